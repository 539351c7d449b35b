package setup

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

func (d *Desk) credential(ctx context.Context) Finding {
	if _, err := d.lines.GraphToken(ctx); err != nil {
		return noToken(err)
	}
	return ok("Entra ID takes it.")
}

// noToken says what to do about a refusal of Entra's, by its number.
func noToken(err error) Finding {
	says := plain(err)
	for _, row := range []struct{ sign, remedy string }{
		{"AADSTS7000215", "Put the secret’s value (not its ID) into FANFARE_BOT_SECRET; if it was lost, make a new one under Entra ID → App registrations → Certificates & secrets."},
		{"AADSTS7000222", "The secret has ended. Make a new one under Entra ID → App registrations → Certificates & secrets, and put its value into FANFARE_BOT_SECRET."},
		{"AADSTS700027", "Upload the certificate of FANFARE_BOT_CERTIFICATE_FILE under Entra ID → App registrations → Certificates & secrets."},
		{"AADSTS700016", "Correct FANFARE_BOT_ID or FANFARE_TENANT_ID: this tenant knows no such app."},
		{"AADSTS90002", "Correct FANFARE_TENANT_ID: there is no such tenant."},
		{"AADSTS7000112", "Enable the app under Entra ID → Enterprise applications → Properties."},
		{"AADSTS", "Look the number up in Microsoft’s list of AADSTS codes, and correct the app registration."},
	} {
		if strings.Contains(says, row.sign) {
			return fail("Entra ID refuses the bot’s credential: "+says+".", row.remedy)
		}
	}
	return fail("Entra ID gives no token: "+says+".", "Let this machine reach Entra ID by https, and look at FANFARE_AUTHORITY_URL and the bot’s credential.")
}

const renew = "Make a new one in time under Entra ID → App registrations → Certificates & secrets, and give it to Fanfare."

// credentialEnd knows the end of a certificate from its file. A secret does not tell:
// Entra lists its end to whoever may read applications, which Fanfare does not need.
func (d *Desk) credentialEnd(ctx context.Context) Finding {
	c := d.o.Credential
	switch c.Kind {
	case "workload", "managed":
		return ok("Azure renews it by itself.")
	case "certificate":
		if c.Ends.IsZero() {
			return unknown("The certificate’s file does not tell its end.", "Look at the certificate, and renew it in time.")
		}
		return d.ends("The certificate", c.Ends)
	}
	look := "Look under Entra ID → App registrations → Certificates & secrets, and put the date into a calendar. Fanfare can tell it if you grant the app Application.Read.All; it needs that for nothing else."
	raw, err := d.lines.Graph.Look(ctx, "/applications(appId='"+url.PathEscape(d.o.BotID)+"')", url.Values{"$select": {"passwordCredentials"}}, false)
	if err != nil && broadcast.AsFault(err).Status == 0 {
		return d.refused(err, "Application.Read.All")
	}
	if err != nil {
		return unknown("When the secret ends cannot be known from here: Graph does not let Fanfare read the app registration.", look)
	}
	var app struct {
		Secrets []struct {
			Ends time.Time `json:"endDateTime"`
			Hint string    `json:"hint"`
		} `json:"passwordCredentials"`
	}
	if json.Unmarshal(raw, &app) != nil {
		return unknown("When the secret ends cannot be known: Graph’s answer makes no sense.", look)
	}
	var ends []time.Time
	for _, s := range app.Secrets {
		if s.Hint == "" || d.o.Credential.Hint == "" || s.Hint == d.o.Credential.Hint {
			ends = append(ends, s.Ends)
		}
	}
	if len(ends) == 0 {
		return unknown("When the secret ends cannot be known: the app registration lists none that begins like ours.", look)
	}
	return d.ends("The secret", slices.MinFunc(ends, time.Time.Compare)) // of several alike, the first to end
}

func (d *Desk) ends(what string, at time.Time) Finding {
	switch left := at.Sub(d.o.Now()); {
	case left <= 0:
		return fail(fmt.Sprintf("%s ended on %s.", what, day(at)), renew)
	case left < endsSoon:
		return warn(fmt.Sprintf("%s ends on %s.", what, day(at)), renew)
	}
	return ok(fmt.Sprintf("%s lasts until %s.", what, day(at)))
}

// permission is an application permission of Graph (protocol F.1).
type permission struct {
	name    string
	instead []string // that include it
	needs   string   // what cannot be done without it
}

func (d *Desk) permissions() (needed, useful []permission) {
	install := permission{"TeamsAppInstallation.ReadWriteSelfForUser.All", []string{
		"TeamsAppInstallation.ReadWriteForUser.All", "TeamsAppInstallation.ReadWriteAndConsentSelfForUser.All",
		"TeamsAppInstallation.ReadWriteAndConsentForUser.All", "TeamsAppInstallation.ManageSelectedForUser.All",
	}, "installing the app for people"}
	if len(d.o.Consent) > 0 { // the plain one cannot install an app that declares permissions of its own
		install.name, install.instead = "TeamsAppInstallation.ReadWriteAndConsentSelfForUser.All", install.instead[2:]
	}
	needed = []permission{
		{"User.Read.All", []string{"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}, "the directory"},
		{"GroupMember.Read.All", []string{"GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}, "audiences by group"},
		{"AppCatalog.Read.All", []string{"AppCatalog.ReadWrite.All"}, "finding the app in the catalogue"},
		install,
	}
	useful = []permission{
		{"Member.Read.Hidden", nil, "groups with hidden members"},
		d.forTeams(),
		{"Channel.ReadBasic.All", []string{"ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}, "choosing channels"},
	}
	return needed, useful
}

// forTeams is the permission to install the app in teams (protocol F.1).
func (d *Desk) forTeams() permission {
	p := permission{"TeamsAppInstallation.ReadWriteSelfForTeam.All", []string{
		"TeamsAppInstallation.ReadWriteForTeam.All", "TeamsAppInstallation.ReadWriteAndConsentSelfForTeam.All", "TeamsAppInstallation.ReadWriteAndConsentForTeam.All",
		"TeamsAppInstallation.ManageSelectedForTeam.All",
	}, "installing the app in teams"}
	if len(d.o.Consent) > 0 { // as for people
		p.name, p.instead = "TeamsAppInstallation.ReadWriteAndConsentSelfForTeam.All", p.instead[2:]
	}
	return p
}

const grant = "Under Entra ID → App registrations → API permissions add it as an application permission of Microsoft Graph and press “Grant admin consent”. It takes some minutes to show here, and up to an hour until a Fanfare that runs uses it, unless it is started anew."

// consent reads what our own token for Graph lets us do. Graph promises nobody that its
// tokens can be read, so one that cannot is no failure.
func (d *Desk) consent(ctx context.Context) Finding {
	token, err := d.lines.GraphToken(ctx)
	if err != nil {
		return unknown("There is no token to read it from.", "Mend the bot’s credential first.")
	}
	roles, err := rolesOf(token)
	if err != nil {
		return unknown("What was consented to cannot be read from the token.", "The checks under “Microsoft Graph” try each permission out.")
	}
	has := func(p permission) bool {
		return slices.Contains(roles, p.name) || slices.ContainsFunc(p.instead, func(i string) bool { return slices.Contains(roles, i) })
	}
	var missing, without []string
	needed, useful := d.permissions()
	for _, p := range needed {
		if !has(p) {
			missing = append(missing, p.name+" ("+p.needs+")")
		}
	}
	for _, p := range useful {
		if !has(p) {
			without = append(without, p.name+" ("+p.needs+")")
		}
	}
	switch {
	case len(missing) > 0:
		return fail("Not consented to: "+strings.Join(missing, ", ")+".", grant)
	case len(without) > 0:
		return ok("Everything needed is consented to. Not granted, and needed only for what it says: " + strings.Join(without, ", ") + ".")
	}
	return ok("Everything is consented to.")
}

func rolesOf(token string) ([]string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("no JSON web token")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var claims struct {
		Roles []string `json:"roles"`
	}
	err = json.Unmarshal(raw, &claims)
	return claims.Roles, err
}

func (d *Desk) discovery() *url.URL {
	return d.o.Authority.JoinPath(d.o.TenantID, "v2.0/.well-known/openid-configuration")
}

// signIn reads the tenant's OIDC discovery, then asks for a token in the name of the
// sign-in app: that proves its ID and secret, and gives it no rights.
func (d *Desk) signIn(ctx context.Context) Finding {
	var found struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	at := d.discovery()
	if err := d.read(ctx, at.String(), &found); err != nil {
		return fail(fmt.Sprintf("Sign-in cannot be discovered at %s: %s.", at.Host, plain(err)), "Correct FANFARE_TENANT_ID or FANFARE_AUTHORITY_URL, and let this machine reach that host by https.")
	}
	endpoint, err := url.Parse(found.Token)
	if want := d.o.Authority.JoinPath(d.o.TenantID, "v2.0").String(); found.Issuer != want || err != nil || endpoint.Host != d.o.Authority.Host || endpoint.Scheme != "https" {
		return fail("Discovery at "+at.Host+" describes another issuer than this tenant’s.", "Correct FANFARE_AUTHORITY_URL and FANFARE_TENANT_ID.")
	}
	res, err := d.fetch(ctx, http.MethodPost, found.Token, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {d.o.SignInClientID}, "client_secret": {d.o.SignInSecret},
		"scope": {d.o.GraphURL.Scheme + "://" + d.o.GraphURL.Host + "/.default"},
	})
	if err != nil {
		return fail("Entra ID does not answer: "+plain(err)+".", "Let this machine reach "+endpoint.Host+" by https.")
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	redirect := strings.TrimRight(d.o.PublicURL.String(), "/") + "/auth/callback"
	switch says := string(body); {
	case res.StatusCode == http.StatusOK:
		return ok("The sign-in app and its secret are right. Its web redirect address must be " + redirect + ", which only a sign-in proves.")
	case strings.Contains(says, "AADSTS700016"):
		return fail("The tenant knows no app with the ID in FANFARE_SIGN_IN_CLIENT_ID.", "Correct FANFARE_SIGN_IN_CLIENT_ID or FANFARE_TENANT_ID.")
	case strings.Contains(says, "invalid_client"), strings.Contains(says, "AADSTS70002"):
		return fail("Entra ID refuses the sign-in app’s secret: "+trimmed(entraSays(says))+".", "Put a secret that is valid into FANFARE_SIGN_IN_SECRET (into FANFARE_BOT_SECRET if it is the bot’s app).")
	case strings.Contains(says, "invalid_scope"), strings.Contains(says, "unauthorized_client"):
		return unknown("Entra ID knows the app, but lets it prove nothing without a person.", "Sign in once: that proves it.")
	}
	return unknown(fmt.Sprintf("Entra ID answers with status %d.", res.StatusCode), "Check again in some minutes.")
}

// read fetches a document of Microsoft's that needs no token.
func (d *Desk) read(ctx context.Context, at string, into any) error {
	res, err := d.fetch(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers with status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(into); err != nil {
		return errors.New("its answer makes no sense")
	}
	return nil
}
