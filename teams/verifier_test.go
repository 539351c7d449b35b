package teams

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	testTenant  = "7d1f0c52-2c11-4a57-9e59-3f0a5a0be001"
	testService = "https://smba.trafficmanager.net/emea/7d1f0c52-2c11-4a57-9e59-3f0a5a0be001/"
)

// signers are made once: a key costs a tenth of a second.
var signers = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 3)
	for i := range keys {
		keys[i] = must(rsa.GenerateKey(rand.Reader, minKeyBits))
	}
	return keys
})

// keyHouse publishes metadata and keys over TLS, as login.botframework.com does.
type keyHouse struct {
	*httptest.Server
	*clock
	mu     sync.Mutex
	issuer string
	uri    string
	keys   []map[string]any
	status int
	reads  int
	knocks chan struct{} // one for each reading that begins
	verify *Verifier
}

func published(kid string, key *rsa.PrivateKey, endorsements ...string) map[string]any {
	enc := base64.RawURLEncoding
	return map[string]any{
		"kty": "RSA", "use": "sig", "kid": kid, "n": enc.EncodeToString(key.N.Bytes()),
		"e": enc.EncodeToString(big.NewInt(int64(key.E)).Bytes()), "endorsements": endorsements,
	}
}

func newKeyHouse(t *testing.T, change ...func(*VerifierOptions)) *keyHouse {
	t.Helper()
	h := &keyHouse{clock: newClock(), issuer: DefaultIssuer, status: 200, knocks: make(chan struct{}, 100)}
	h.keys = []map[string]any{published("k1", signers()[0], "msteams", "webchat"), published("unendorsed", signers()[1], "webchat")}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.knocks <- struct{}{}
		h.mu.Lock()
		defer h.mu.Unlock()
		rw.WriteHeader(h.status)
		if r.URL.Path == "/metadata" {
			h.reads++
			_ = json.NewEncoder(rw).Encode(map[string]string{"issuer": h.issuer, "jwks_uri": h.uri})
			return
		}
		_ = json.NewEncoder(rw).Encode(map[string]any{"keys": h.keys})
	}))
	t.Cleanup(h.Close)
	h.uri = h.URL + "/keys"
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	o := VerifierOptions{
		MetadataURL: h.URL + "/metadata", BotID: testBot, TenantID: testTenant, Hosts: hostList(t, "smba.trafficmanager.net"),
		HTTP: &http.Client{Transport: NewTransport(2, roots)}, Now: h.Now,
	}
	for _, c := range change {
		c(&o)
	}
	h.verify = must(NewVerifier(o))
	return h
}

func (h *keyHouse) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *keyHouse) readings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads
}

// token signs good claims, spoiled by change.
func (h *keyHouse) token(kid string, key *rsa.PrivateKey, change func(jwt.MapClaims)) string {
	claims := jwt.MapClaims{
		"serviceurl": testService, "iss": DefaultIssuer, "aud": testBot,
		"nbf": h.Now().Unix(), "exp": h.Now().Add(time.Hour).Unix(),
	}
	if change != nil {
		change(claims)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = kid
	return must(token.SignedString(key))
}

func (h *keyHouse) good() string { return h.token("k1", signers()[0], nil) }

func (h *keyHouse) check(t *testing.T, token string) error {
	t.Helper()
	_, err := h.verify.CheckToken(t.Context(), "Bearer "+token)
	return err
}

func goodActivity() *Activity {
	a := &Activity{Type: "message", ChannelID: "msteams", ServiceURL: testService}
	a.ChannelData.Tenant.ID = testTenant
	a.Conversation.TenantID = strings.ToUpper(testTenant)
	return a
}

func TestAGoodTokenForItsActivityIsBelieved(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	other := h.token("k1", signers()[0], func(c jwt.MapClaims) {
		delete(c, "serviceurl")
		c["serviceUrl"], c["aud"] = testService, strings.ToUpper(testBot) // both are seen (protocol B.2, B.3)
	})
	for _, header := range []string{"Bearer " + h.good(), "bearer " + h.good(), "Bearer " + other} {
		token, err := h.verify.CheckToken(t.Context(), header)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.CheckActivity(goodActivity()); err != nil {
			t.Error(err)
		}
	}
	if h.readings() != 1 {
		t.Errorf("the keys were read %d times", h.readings())
	}
}

func TestEveryStepOfTheTokenCheckRefuses(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	good := h.good()
	parts := strings.Split(good, ".")
	claim := func(name string, value any) string {
		return h.token("k1", signers()[0], func(c jwt.MapClaims) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	signed := func(method jwt.SigningMethod, key any, header map[string]any) string {
		token := jwt.NewWithClaims(method, jwt.MapClaims{"serviceurl": testService, "iss": DefaultIssuer, "aud": testBot, "exp": h.Now().Add(time.Hour).Unix()})
		token.Header["kid"] = "k1"
		for k, v := range header {
			token.Header[k] = v
		}
		return must(token.SignedString(key))
	}
	at := func(d time.Duration) int64 { return h.Now().Add(d).Unix() }
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"1 no header":             {"", ErrUnauthenticated},
		"1 scheme only":           {"Bearer", ErrUnauthenticated},
		"1 empty token":           {"Bearer ", ErrUnauthenticated},
		"1 three parts":           {"Bearer " + good + " x", ErrUnauthenticated},
		"1 other scheme":          {"Basic " + good, ErrUnauthenticated},
		"2 not a token":           {"Bearer garbage", ErrUnauthenticated},
		"2 two parts":             {"Bearer " + parts[0] + "." + parts[1], ErrUnauthenticated},
		"2 huge":                  {"Bearer " + strings.Repeat("x", maxToken+1), ErrUnauthenticated},
		"2 alg none":              {"Bearer " + signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), ErrUnauthenticated},
		"2 HS256 with public key": {"Bearer " + signed(jwt.SigningMethodHS256, signers()[0].N.Bytes(), nil), ErrUnauthenticated},
		"2 RS512":                 {"Bearer " + signed(jwt.SigningMethodRS512, signers()[0], nil), ErrUnauthenticated},
		"2 PS256":                 {"Bearer " + signed(jwt.SigningMethodPS256, signers()[0], nil), ErrUnauthenticated},
		"2 critical header":       {"Bearer " + signed(jwt.SigningMethodRS256, signers()[0], map[string]any{"crit": []string{"b64"}}), ErrUnauthenticated},
		"3 no kid":                {"Bearer " + signed(jwt.SigningMethodRS256, signers()[0], map[string]any{"kid": ""}), ErrUnauthenticated},
		"3 kid is no text":        {"Bearer " + signed(jwt.SigningMethodRS256, signers()[0], map[string]any{"kid": 7}), ErrUnauthenticated},
		"3 unknown kid":           {"Bearer " + h.token("nobody", signers()[0], nil), ErrUnauthenticated},
		"3 another's signature":   {"Bearer " + h.token("k1", signers()[1], nil), ErrUnauthenticated},
		"3 changed claims":        {"Bearer " + parts[0] + "." + strings.Split(claim("x", 1), ".")[1] + "." + parts[2], ErrUnauthenticated},
		"3 no signature":          {"Bearer " + parts[0] + "." + parts[1] + ".", ErrUnauthenticated},
		"4 other issuer":          {"Bearer " + claim("iss", "https://api.botframework.us"), ErrUnauthenticated},
		"4 emulator (B.5)":        {"Bearer " + claim("iss", "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"), ErrUnauthenticated},
		"4 no issuer":             {"Bearer " + claim("iss", nil), ErrUnauthenticated},
		"5 other audience":        {"Bearer " + claim("aud", "deadbeef-0000-4000-8000-000000000000"), ErrUnauthenticated},
		"5 two audiences":         {"Bearer " + claim("aud", []string{testBot, "other"}), ErrUnauthenticated},
		"5 empty audience":        {"Bearer " + claim("aud", ""), ErrUnauthenticated},
		"5 no audience":           {"Bearer " + claim("aud", nil), ErrUnauthenticated},
		"6 expired":               {"Bearer " + claim("exp", at(-6*time.Minute)), ErrUnauthenticated},
		"6 no expiry":             {"Bearer " + claim("exp", nil), ErrUnauthenticated},
		"6 expiry is no number":   {"Bearer " + claim("exp", "tomorrow"), ErrUnauthenticated},
		"6 not yet":               {"Bearer " + claim("nbf", at(6*time.Minute)), ErrUnauthenticated},
		"7 no service URL":        {"Bearer " + claim("serviceurl", nil), ErrUnauthenticated},
		"9 host":                  {"Bearer " + claim("serviceurl", "https://evil.trafficmanager.net/"), ErrForbidden},
	} {
		token, err := h.verify.CheckToken(t.Context(), c.header)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if token.CheckActivity(goodActivity()) == nil {
			t.Errorf("%s: the refused token still opens", name)
		}
		if err != nil && len(c.header) > 40 && strings.Contains(err.Error(), c.header[20:]) {
			t.Errorf("%s: the error holds the token: %v", name, err)
		}
	}
}

func TestClocksMayDifferByFiveMinutes(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	token := h.good()
	h.forward(time.Hour + 4*time.Minute)
	if err := h.check(t, token); err != nil {
		t.Error(err)
	}
	h.forward(2 * time.Minute)
	if err := h.check(t, token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
	h.forward(-time.Hour - 10*time.Minute) // the token begins in four minutes
	if err := h.check(t, token); err != nil {
		t.Error(err)
	}
}

func TestATokenOpensNoOtherActivity(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	token, err := h.verify.CheckToken(t.Context(), "Bearer "+h.good())
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Activity){
		"7 other service URL":   func(a *Activity) { a.ServiceURL = "https://smba.trafficmanager.net/amer/" },
		"7 no slash at the end": func(a *Activity) { a.ServiceURL = strings.TrimSuffix(testService, "/") },
		"7 no service URL":      func(a *Activity) { a.ServiceURL = "" },
		"8, 9 endorsed, not us": func(a *Activity) { a.ChannelID = "webchat" },
		"9 no channel":          func(a *Activity) { a.ChannelID = "" },
		"9 channel in capitals": func(a *Activity) { a.ChannelID = "MSTeams" },
		"9 other tenant":        func(a *Activity) { a.ChannelData.Tenant.ID = "other" },
		"9 two tenants":         func(a *Activity) { a.Conversation.TenantID = "other" },
		"9 no tenant":           func(a *Activity) { a.ChannelData.Tenant.ID, a.Conversation.TenantID = "", "" },
	} {
		a := goodActivity()
		spoil(a)
		if err := token.CheckActivity(a); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unendorsed, err := h.verify.CheckToken(t.Context(), "Bearer "+h.token("unendorsed", signers()[1], nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := unendorsed.CheckActivity(goodActivity()); !errors.Is(err, ErrForbidden) {
		t.Errorf("8 endorsement: %v", err)
	}
}

func TestANewKeyIsReadAtOnceAndGarbageCannotHammer(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	if err := h.check(t, h.good()); err != nil {
		t.Fatal(err)
	}
	h.set(func() { h.keys = []map[string]any{published("k2", signers()[2], "msteams")} }) // rotated, the old one removed
	if err := h.check(t, h.token("k2", signers()[2], nil)); err != nil {
		t.Fatalf("the new key was not read: %v", err)
	}
	if err := h.check(t, h.good()); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a removed key still opens: %v", err)
	}
	for range 100 {
		if err := h.check(t, h.token("garbage", signers()[0], nil)); !errors.Is(err, ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if n := h.readings(); n != 2 {
		t.Errorf("%d readings, want two", n)
	}
	h.forward(61 * time.Minute)
	_ = h.check(t, h.token("garbage", signers()[0], nil))
	if n := h.readings(); n != 3 {
		t.Errorf("%d readings after an hour, want three", n)
	}
}

func TestKeysAreReadEveryDayAndOldOnesServeWhileReadingFails(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	if err := h.check(t, h.good()); err != nil {
		t.Fatal(err)
	}
	h.forward(25 * time.Hour)
	h.set(func() { h.status = 500 })
	for range 10 {
		if err := h.check(t, h.good()); err != nil {
			t.Fatalf("a known key does not serve: %v", err)
		}
	}
	if err := h.check(t, h.token("k2", signers()[2], nil)); !errors.Is(err, ErrKeysUnavailable) {
		t.Errorf("an unknown key while the keys cannot be read: %v", err)
	}
	if n := h.readings(); n != 2 {
		t.Errorf("%d readings, want two: a failed one is not repeated at once", n)
	}
	h.set(func() { h.status = 200; h.keys = append(h.keys, published("k2", signers()[2], "msteams")) })
	h.forward(failedKeysPause)
	if err := h.check(t, h.token("k2", signers()[2], nil)); err != nil {
		t.Error(err)
	}
}

func TestWithoutAnyKeysNobodyCanSay(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*keyHouse){
		"down":          func(h *keyHouse) { h.status = 503 },
		"other issuer":  func(h *keyHouse) { h.issuer = "https://sts.windows.net/x/" },
		"plain keys":    func(h *keyHouse) { h.uri = "http://keys.example/keys" },
		"no key addr":   func(h *keyHouse) { h.uri = "" },
		"no keys":       func(h *keyHouse) { h.keys = nil },
		"useless keys":  func(h *keyHouse) { h.keys[0]["kty"], h.keys[1]["use"] = "EC", "enc" },
		"broken keys":   func(h *keyHouse) { h.keys[0]["n"], h.keys[1]["e"] = "!", "" },
		"weak keys":     func(h *keyHouse) { h.keys[0]["n"], h.keys[1]["e"] = "AQAB", "Ag" },
		"keys in list":  func(h *keyHouse) { h.keys[0]["kid"], h.keys[1]["kid"] = "", "" },
		"keys unparsed": func(h *keyHouse) { h.keys[0]["endorsements"] = 7 },
	} {
		h := newKeyHouse(t)
		h.set(func() { spoil(h) })
		if err := h.check(t, h.good()); !errors.Is(err, ErrKeysUnavailable) || errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneReadingServesEverybodyAndOutlivesWhoCausedIt(t *testing.T) {
	t.Parallel()
	h := newKeyHouse(t)
	good := h.good()
	h.mu.Lock() // the metadata does not answer yet
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _, _ = h.verify.CheckToken(ctx, "Bearer "+good) })
	<-h.knocks
	leave()
	for range 20 {
		all.Go(func() {
			if err := h.check(t, good); err != nil {
				t.Error(err)
			}
		})
	}
	h.mu.Unlock()
	all.Wait()
	if n := h.readings(); n != 1 {
		t.Errorf("%d readings, want one", n)
	}
}

func TestAVerifierCannotBeMadeWithoutABot(t *testing.T) {
	t.Parallel()
	good := VerifierOptions{BotID: "b", TenantID: "t", HTTP: http.DefaultClient}
	if _, err := NewVerifier(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*VerifierOptions){
		"bot": func(o *VerifierOptions) { o.BotID = "" }, "tenant": func(o *VerifierOptions) { o.TenantID = "" }, "http": func(o *VerifierOptions) { o.HTTP = nil },
		"plain metadata": func(o *VerifierOptions) { o.MetadataURL = "http://login.botframework.com/" }, "no metadata": func(o *VerifierOptions) { o.MetadataURL = "/x" },
	} {
		o := good
		spoil(&o)
		if _, err := NewVerifier(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
