package simulator_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"github.com/fanfare/fanfare/simulator"
)

// K rows 1 and 2, through a client that asks discovery first and sends several
// scopes in one string.
func TestAzidentityGetsTokensUnmodified(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	cred := s.credential(simulator.DefaultClientSecret)
	for _, enableCAE := range []bool{false, true} {
		token, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{graphScope}, EnableCAE: enableCAE})
		if err != nil || time.Until(token.ExpiresOn) < 50*time.Minute {
			t.Fatalf("EnableCAE %v: %v, expires %v", enableCAE, err, token.ExpiresOn)
		}
	}
	if r := s.sim.Report().Requests; r["entra.discovery"] == 0 || r["entra.token"] != 2 {
		t.Fatalf("requests: %v", r)
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {simulator.DefaultBotID}, "client_secret": {simulator.DefaultClientSecret},
		"scope": {botScope + " openid offline_access profile"},
	}
	if r := s.form(s.authority("/oauth2/v2.0/token"), form); r.status != 200 {
		t.Fatalf("several scopes: %d %s", r.status, r.body)
	}
}

func TestAzidentityGetsTokensWithACertificate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bot"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := azidentity.NewClientCertificateCredential(simulator.DefaultTenantID, simulator.DefaultBotID, []*x509.Certificate{cert}, key,
		&azidentity.ClientCertificateCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: s.options()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{botScope}}); err != nil {
		t.Fatal(err)
	}
}

func TestAWrongOrRotatedSecretIsAnInvalidClient(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ask := func(secret string) error {
		_, err := s.credential(secret).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{botScope}})
		return err
	}
	var failed *azidentity.AuthenticationFailedError
	if err := ask("wrong"); !errors.As(err, &failed) || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Fatalf("wrong secret: %v", err)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	if err := ask(simulator.DefaultClientSecret); err == nil {
		t.Fatal("a rotated secret still works")
	}
}

func TestEntraRefusesInItsOwnShape(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	good := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {simulator.DefaultBotID}, "client_secret": {simulator.DefaultClientSecret}, "scope": {botScope},
	}
	for name, c := range map[string]struct {
		path  string
		key   string
		value string
		code  string
	}{
		"unknown tenant": {"/99999999-9999-4999-8999-999999999999/oauth2/v2.0/token", "", "", "invalid_tenant"},
		"unknown client": {"", "client_id", "deadbeef-0000-4000-8000-000000000000", "invalid_client"},
		"no secret":      {"", "client_secret", "", "invalid_client"},
		"bare scope":     {"", "scope", "openid", "invalid_scope"},
		"grant":          {"", "grant_type", "password", "unsupported_grant_type"},
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		if c.key != "" {
			form.Set(c.key, c.value)
		}
		path := c.path
		if path == "" {
			path = s.authority("/oauth2/v2.0/token")
		}
		r := s.form(path, form)
		if got := r.json(t); r.status/100 != 4 || got["error"] != c.code || got["error_codes"] == nil || got["correlation_id"] == nil {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// K row 3.
func TestATokenServesItsAudienceOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	bot, graph := s.token(botScope), s.token(graphScope)
	connector := "/emea/" + simulator.DefaultTenantID + "/v3/conversations"
	for name, c := range map[string]struct {
		method, path, token string
		want                int
	}{
		"graph at graph":         {"GET", "/v1.0/organization", graph, 200},
		"bot at graph":           {"GET", "/v1.0/organization", bot, 401},
		"graph at the connector": {"POST", connector, graph, 401},
		"bot at the connector":   {"POST", connector, bot, 400},
		"nothing":                {"POST", connector, "", 401},
		"garbage":                {"GET", "/v1.0/organization", "a.b.c", 401},
		"unsigned":               {"GET", "/v1.0/organization", strings.Join(append(strings.Split(graph, ".")[:2], ""), "."), 401},
	} {
		if r := s.request(c.method, c.path, c.token, map[string]any{}); r.status != c.want {
			t.Errorf("%s: %d %s, want %d", name, r.status, r.body, c.want)
		}
	}
}

// K row 31, and row 4 as a dial.
func TestTokensEndAfterTheirLifetime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(func(d *simulator.Dials) { d.TokenLifetimeSeconds = 10 })
	token := s.token(graphScope)
	if r := s.request("GET", "/v1.0/organization", token, nil); r.status != 200 {
		t.Fatalf("fresh: %d", r.status)
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.ClockOffsetMS = 11_000 })
	if r := s.request("GET", "/v1.0/organization", token, nil); r.status != 401 || r.code() != "InvalidAuthenticationToken" {
		t.Fatalf("expired: %d %s", r.status, r.body)
	}
}

func TestRotatedKeysEndOldTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.token(graphScope)
	before := s.request("GET", s.authority("/discovery/v2.0/keys"), "", nil).body
	s.sim.SetDials(func(d *simulator.Dials) { d.KeyGeneration = 1 })
	if after := s.request("GET", s.authority("/discovery/v2.0/keys"), "", nil).body; after == before {
		t.Fatal("the published keys did not change")
	}
	if r := s.request("GET", "/v1.0/organization", old, nil); r.status != 401 {
		t.Fatalf("a token of a withdrawn key: %d", r.status)
	}
}

func (s *stage) authority(path string) string { return "/" + simulator.DefaultTenantID + path }

func (s *stage) form(path string, form url.Values) reply {
	s.t.Helper()
	return s.request("POST", path, "", []byte(form.Encode()), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// signIn is the stock client of a web application.
type signIn struct {
	*stage
	ctx      context.Context
	provider *oidc.Provider
	config   oauth2.Config
	verifier string
}

func newSignIn(t *testing.T) *signIn {
	s := newStage(t)
	ctx := oidc.ClientContext(t.Context(), s.client)
	provider, err := oidc.NewProvider(ctx, s.server.URL()+"/"+simulator.DefaultTenantID+"/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	return &signIn{stage: s, ctx: ctx, provider: provider, verifier: oauth2.GenerateVerifier(), config: oauth2.Config{
		ClientID: simulator.DefaultSignInClientID, ClientSecret: simulator.DefaultSignInSecret, Endpoint: provider.Endpoint(),
		RedirectURL: "http://127.0.0.1:8080/auth/callback", Scopes: []string{"openid", "profile", "email"},
	}}
}

func (s *signIn) authorizeURL(more ...oauth2.AuthCodeOption) string {
	return s.config.AuthCodeURL("the-state", append([]oauth2.AuthCodeOption{oidc.Nonce("the-nonce"), oauth2.S256ChallengeOption(s.verifier)}, more...)...)
}

func hint(upn string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("login_hint", upn) }

// answer follows the redirect back to the application.
func (s *signIn) answer(target string) url.Values {
	s.t.Helper()
	r := s.request("GET", target, "", nil)
	back, err := url.Parse(r.header.Get("Location"))
	if err != nil || r.status != 302 || back.Path != "/auth/callback" {
		s.t.Fatalf("authorize: %d to %q: %s", r.status, r.header.Get("Location"), r.body)
	}
	return back.Query()
}

func (s *signIn) idToken(upn string) *oidc.IDToken {
	s.t.Helper()
	got := s.answer(s.authorizeURL(hint(upn)))
	if got.Get("state") != "the-state" {
		s.t.Fatalf("state: %v", got)
	}
	token, err := s.config.Exchange(s.ctx, got.Get("code"), oauth2.VerifierOption(s.verifier))
	if err != nil {
		s.t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := s.provider.Verifier(&oidc.Config{ClientID: s.config.ClientID}).Verify(s.ctx, raw)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// unverified returns the claims of an ID token as they are.
func (s *signIn) unverified(upn string) (map[string]any, error) {
	got := s.answer(s.authorizeURL(hint(upn)))
	token, err := s.config.Exchange(s.ctx, got.Get("code"), oauth2.VerifierOption(s.verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	claims := jwt.MapClaims{}
	_, _, err = jwt.NewParser().ParseUnverified(raw, claims)
	return claims, err
}

// K row 5.
func TestSignInWithCodeAndPKCE(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	for _, p := range simulator.StandardPeople() {
		id := s.idToken(p.UPN)
		var claims struct {
			Name, OID, TID    string
			PreferredUsername string `json:"preferred_username"`
			Roles             []string
		}
		if err := id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if id.Nonce != "the-nonce" || claims.OID != p.EntraID || claims.TID != simulator.DefaultTenantID || claims.Name != p.Name ||
			claims.PreferredUsername != p.UPN || len(claims.Roles) != 1 || claims.Roles[0] != p.Roles[0] {
			t.Errorf("%s: nonce %q, claims %+v", p.Name, id.Nonce, claims)
		}
	}
	var claims map[string]any
	if err := s.idToken(s.upn(7)).Claims(&claims); err != nil || claims["roles"] != nil {
		t.Fatalf("somebody without a role: %v %v", claims, err)
	}
}

// upn reads a person's name from the directory.
func (s *stage) upn(n int) string {
	s.t.Helper()
	return s.graph("GET", "/users/"+simulator.EntraID(n)+"?$select=userPrincipalName", nil).json(s.t)["userPrincipalName"].(string)
}

func TestACodeIsGoodOnceForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	upn := simulator.StandardPeople()[0].UPN
	code := func() string { return s.answer(s.authorizeURL(hint(upn))).Get("code") }

	used := code()
	if _, err := s.config.Exchange(s.ctx, used, oauth2.VerifierOption(s.verifier)); err != nil {
		t.Fatal(err)
	}
	late := code()
	for name, exchange := range map[string]func() error{
		"used":           func() error { return s.exchange(used, oauth2.VerifierOption(s.verifier)) },
		"wrong verifier": func() error { return s.exchange(code(), oauth2.VerifierOption(oauth2.GenerateVerifier())) },
		"no verifier":    func() error { return s.exchange(code()) },
		"unknown":        func() error { return s.exchange("0.Anonsense", oauth2.VerifierOption(s.verifier)) },
		"other address": func() error {
			return s.exchange(code(), oauth2.VerifierOption(s.verifier), oauth2.SetAuthURLParam("redirect_uri", "http://127.0.0.1:9/x"))
		},
	} {
		var failed *oauth2.RetrieveError
		if err := exchange(); !errors.As(err, &failed) || failed.ErrorCode != "invalid_grant" {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.ClockOffsetMS = 11 * 60_000 })
	if err := s.exchange(late, oauth2.VerifierOption(s.verifier)); err == nil {
		t.Error("a code of eleven minutes ago was redeemed")
	}
}

func (s *signIn) exchange(code string, options ...oauth2.AuthCodeOption) error {
	_, err := s.config.Exchange(s.ctx, code, options...)
	return err
}

func TestSignInTellsTheApplicationWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	upn := hint(simulator.StandardPeople()[0].UPN)
	for name, c := range map[string]struct{ target, want string }{
		"cancelled": {s.authorizeURL(oauth2.SetAuthURLParam("cancel", "1")), "access_denied"},
		"no PKCE":   {s.config.AuthCodeURL("the-state", upn), "invalid_request"},
		"plain":     {s.authorizeURL(upn, oauth2.SetAuthURLParam("code_challenge_method", "plain")), "invalid_request"},
		"implicit":  {s.authorizeURL(upn, oauth2.SetAuthURLParam("response_type", "id_token")), "unsupported_response_type"},
		"silent":    {s.authorizeURL(oauth2.SetAuthURLParam("prompt", "none")), "login_required"},
	} {
		if got := s.answer(c.target); got.Get("error") != c.want || got.Get("state") != "the-state" || got.Get("error_description") == "" {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	s.sim.SetDials(func(d *simulator.Dials) { d.RedirectURIs = []string{"https://app.example.test/auth/callback"} })
	if r := s.request("GET", s.authorizeURL(upn), "", nil); r.status != 400 || !strings.Contains(r.body, "AADSTS50011") {
		t.Errorf("unregistered address: %d, a redirect there would be an open door", r.status)
	}
}

func TestThePageOffersThoseWithRolesAndAnybodyElse(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	if !strings.HasPrefix(s.config.Endpoint.AuthURL, "http://") || !strings.HasPrefix(s.config.Endpoint.TokenURL, "https://") {
		t.Fatalf("a browser is sent to %s, programs to %s", s.config.Endpoint.AuthURL, s.config.Endpoint.TokenURL)
	}
	for name, target := range map[string]string{
		"no hint":      s.authorizeURL(),
		"unknown hint": s.authorizeURL(hint("nobody@contoso.example")),
		"prompt":       s.authorizeURL(hint("ada.author@contoso.example"), oauth2.SetAuthURLParam("prompt", "select_account")),
	} {
		r := s.request("GET", target, "", nil)
		for _, want := range []string{"Ada Author", "Ben Approver", "Cora Admin", "Dan Auditor", `name="state" value="the-state"`, "Somebody else"} {
			if r.status != 200 || !strings.Contains(r.body, want) {
				t.Errorf("%s: %d without %q", name, r.status, want)
			}
		}
	}
}

func TestFormPostAndSignOut(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	r := s.request("GET", s.authorizeURL(hint("ada.author@contoso.example"), oauth2.SetAuthURLParam("response_mode", "form_post")), "", nil)
	if r.status != 200 || !strings.Contains(r.body, `action="http://127.0.0.1:8080/auth/callback"`) || !strings.Contains(r.body, `name="code"`) {
		t.Fatalf("form_post: %d %s", r.status, r.body)
	}
	out := s.request("GET", s.authority("/oauth2/v2.0/logout?post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F&state=x"), "", nil)
	if out.header.Get("Location") != "http://127.0.0.1:8080/?state=x" {
		t.Fatalf("sign-out: %d %v", out.status, out.header)
	}
	if r := s.request("GET", s.authority("/oauth2/v2.0/logout"), "", nil); r.status != 200 || !strings.Contains(r.body, "signed out") {
		t.Fatalf("sign-out without an address: %d", r.status)
	}
}
