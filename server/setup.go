package server

import (
	"context"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/setup/pack"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/teams"
)

// desk is where the set-up is checked; db is nil where there is no database.
func (o *outside) desk(db setup.Database) *setup.Desk {
	c := o.config
	return setup.New(setup.Options{
		PublicURL: c.PublicURL, Authority: c.AuthorityURL, GraphURL: c.GraphURL, MetadataURL: c.MetadataURL,
		TenantID: c.TenantID, BotID: c.BotID, ManifestID: c.ManifestID, SignInClientID: c.SignInClientID, SignInSecret: c.SignInSecret,
		Credential: c.Credential.told(), Consent: c.consent(), Unusual: c.unusualHosts(), FallbackURL: c.FallbackURL.String(), Allow: o.hosts.Allow,
		Lines: o.lines, Database: db, Package: c.packageVersion, HTTP: o.client, Roots: o.roots, Now: time.Now,
	})
}

// lines introduces us anew: no token from before is used.
func (o *outside) lines() setup.Lines {
	fresh := *o
	if err := fresh.introduce(); err != nil {
		return noLines(err)
	}
	g, err := fresh.graph()
	if err != nil {
		return noLines(err)
	}
	return setup.Lines{Graph: g, GraphToken: token(fresh.people, g.Cloud()+"/.default"), ConnectorToken: token(fresh.bot, o.config.TokenScope)}
}

// mute is a way to Graph that could not be made.
type mute struct{ err error }

func (m mute) Look(context.Context, string, url.Values, bool) ([]byte, error) { return nil, m.err }

func noLines(err error) setup.Lines {
	none := func(context.Context) (string, error) { return "", err }
	return setup.Lines{Graph: mute{err}, GraphToken: none, ConnectorToken: none}
}

// hintLength is how much of a secret Entra lists as its hint.
const hintLength = 3

// told is the credential as far as the checks may know it.
func (c *Credential) told() setup.Credential {
	out := setup.Credential{Kind: c.Kind}
	if len(c.Secret) > 4*hintLength {
		out.Hint = c.Secret[:hintLength]
	}
	if c.Kind != "certificate" {
		return out
	}
	raw, err := os.ReadFile(c.CertFile)
	if err != nil {
		return out
	}
	if certs, _, err := azidentity.ParseCertificates(raw, []byte(c.CertPassword)); err == nil && len(certs) > 0 {
		out.Ends = certs[0].NotAfter
	}
	return out
}

// unusualHosts are those of the service hosts that are not Microsoft's.
func (c *Config) unusualHosts() []string {
	var out []string
	for _, h := range slices.Concat(c.ServiceHosts, c.PlainHTTP) {
		if !slices.Contains(teams.DefaultHosts(), h) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// teamsApp makes the app package for the Set-up page.
type teamsApp struct{ pack.App }

// Version is the package's, or why none can be made.
func (a teamsApp) Version() (string, error) {
	_, err := a.Manifest()
	return a.App.Version, err
}

// packageVersion is the version of the app package, or why none can be made.
func (c *Config) packageVersion() (string, error) {
	return teamsApp{c.teamsApp()}.Version()
}

// records is what the checks ask the ledger.
type records struct{ *store.Store }

// Clock is the time on the database's clock.
func (r records) Clock(context.Context) (time.Time, error) { return r.Now(), nil }

// Heard is when Teams last reached the bot endpoint.
func (r records) Heard(ctx context.Context) (time.Time, error) { return r.LastHeard(ctx) }

// Somebody is a person who can have the app.
func (r records) Somebody(ctx context.Context) (broadcast.EntraID, error) {
	people, err := r.PeoplePage(ctx, "", 50)
	for _, p := range people {
		if p.Excluded == "" {
			return p.EntraID, err
		}
	}
	return "", err
}
