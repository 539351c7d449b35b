package setup

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// Graph is how the checks look at Microsoft Graph. Errors are *broadcast.Fault.
type Graph interface {
	Look(ctx context.Context, path string, query url.Values, eventual bool) ([]byte, error)
}

// Database is what the checks ask the database.
type Database interface {
	Ping(ctx context.Context) error
	Migrated(ctx context.Context) error
	// Clock is the time on the database's clock.
	Clock(ctx context.Context) (time.Time, error)
	// Somebody is a person who can have the app, "" while none is known.
	Somebody(ctx context.Context) (broadcast.EntraID, error)
	// Heard is when Teams last reached the bot endpoint, zero for never.
	Heard(ctx context.Context) (time.Time, error)
}

// Credential is how the bot proves itself, as far as it may be told.
type Credential struct {
	Kind string // secret, certificate, workload or managed
	Hint string // the first characters of a secret: Graph lists secrets by them
	Ends time.Time
}

// Lines are the ways to Microsoft that need a token.
type Lines struct {
	Graph          Graph
	GraphToken     func(ctx context.Context) (string, error)
	ConnectorToken func(ctx context.Context) (string, error)
}

// Options is what the checks look at, and with. All of it is required but Consent,
// Timeout and Unusual.
type Options struct {
	PublicURL, Authority, GraphURL, MetadataURL *url.URL

	TenantID, BotID, ManifestID  string
	SignInClientID, SignInSecret string
	Credential                   Credential
	Consent                      []string // resource-specific permissions of the manifest
	Unusual                      []string // service hosts that are not Microsoft's
	FallbackURL                  string   // service URL for people nobody told us one for
	Allow                        func(serviceURL string) error

	// Lines are made anew for every round: a token from before would hide what was
	// consented to, or refused, since.
	Lines    func() Lines
	Database Database // nil where none could be opened
	// Package is the version of the app package this Fanfare makes, or why it makes none.
	Package func() (version string, err error)

	HTTP    *http.Client // for Entra; carries the CA
	Roots   *x509.CertPool
	Timeout time.Duration // of each check; default 10 s
	Now     func() time.Time
}

// Desk is where the checks are made.
type Desk struct {
	o      Options
	direct *http.Client // for our own public address: as a stranger would come
	lines  Lines        // of one round
}

type check struct {
	Check
	do func(ctx context.Context) Finding
}

// New makes a Desk. It looks at nothing yet.
func New(o Options) *Desk {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	client := *o.HTTP
	client.CheckRedirect = stay // a redirect must not carry the sign-in app's secret elsewhere
	o.HTTP = &client
	return &Desk{o: o, direct: stranger(o.Roots)}
}

// table is every check on one screen, in the order people should mend things.
func (d *Desk) table() []check {
	const address, ledger, entra, graph, teams = "Public address", "Database and clocks", "Entra ID", "Microsoft Graph", "Microsoft Teams"
	return []check{
		{Check{"public_url", address, "The name resolves"}, d.publicURL},
		{Check{"certificate", address, "TLS certificate"}, d.certificate},
		{Check{"bot_endpoint", address, "Bot endpoint"}, d.botEndpoint},
		{Check{"reachable", address, "Reachable from outside"}, d.reachable},

		{Check{"database", ledger, "Database"}, d.database},
		{Check{"migrations", ledger, "Schema"}, d.migrations},
		{Check{"clock_microsoft", ledger, "Our clock and Microsoft’s"}, d.clockMicrosoft},
		{Check{"clock_database", ledger, "Our clock and the database’s"}, d.clockDatabase},

		{Check{"credential", entra, "The bot’s credential"}, d.credential},
		{Check{"credential_end", entra, "How long the credential lasts"}, d.credentialEnd},
		{Check{"consent", entra, "Admin consent"}, d.consent},
		{Check{"sign_in", entra, "Sign-in"}, d.signIn},

		{Check{"graph_users", graph, "People"}, d.mayReadPeople},
		{Check{"graph_groups", graph, "Groups"}, d.mayReadGroups},
		{Check{"graph_members", graph, "Members of groups"}, d.mayReadMembers},
		{Check{"graph_channels", graph, "Channels of teams"}, d.mayReadChannels},
		{Check{"graph_catalogue", graph, "App catalogue"}, d.mayReadCatalogue},
		{Check{"graph_installations", graph, "Installed apps"}, d.mayReadInstalled},

		{Check{"package", teams, "App package"}, d.appPackage},
		{Check{"catalogue", teams, "Entry in the catalogue"}, d.catalogue},
		{Check{"connector_token", teams, "Token for messages"}, d.connectorToken},
		{Check{"connector_keys", teams, "Keys Teams signs with"}, d.connectorKeys},
		{Check{"service_hosts", teams, "Service hosts"}, d.serviceHosts},
	}
}

// Blank is the report before anything was looked at.
func (d *Desk) Blank() Report {
	var r Report
	for _, c := range d.table() {
		r.Results = append(r.Results, Result{Check: c.Check})
	}
	return r
}

// May tells whether somebody may have the checks made: findings name addresses and
// permissions, which are the admin's business.
func (d *Desk) May(a broadcast.Actor) error {
	if a.Has(broadcast.RoleAdmin) {
		return nil
	}
	return broadcast.Errorf(broadcast.Forbidden, "Only somebody with the role Admin may look at the set-up.")
}

// Run makes all checks at once and returns when each has ended or its time is over.
func (d *Desk) Run(ctx context.Context) Report { return d.Begin(ctx).Wait() }

// Round is one run of all checks, under way or over.
type Round struct {
	wg     sync.WaitGroup
	mu     sync.Mutex
	report Report
}

// Begin starts all checks. Whoever begins a round waits for it.
func (d *Desk) Begin(ctx context.Context) *Round {
	r := &Round{report: d.Blank()}
	r.report.At = d.o.Now()
	fresh := *d
	fresh.lines = d.o.Lines()
	for i, c := range fresh.table() {
		r.wg.Go(func() {
			begun := time.Now()
			found := fresh.one(ctx, c)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.report.Results[i].Finding, r.report.Results[i].Took = found, time.Since(begun)
		})
	}
	return r
}

// one makes a check within its time. Every check gives up when its context does, so
// none is left behind.
func (d *Desk) one(ctx context.Context, c check) (f Finding) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			f = fail(fmt.Sprintf("The check itself broke: %v.", p), "Please report this.")
		}
	}()
	f = c.do(ctx)
	if f.State != OK && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f = fail(fmt.Sprintf("There was no answer within %v.", d.o.Timeout), "Look whether a firewall or a proxy holds the connection, and check again.")
	}
	return f
}

// Look is how far the round has come.
func (r *Round) Look() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.report
	out.Results = append([]Result(nil), out.Results...)
	return out
}

// Wait returns the report once every check has ended.
func (r *Round) Wait() Report {
	r.wg.Wait()
	return r.Look()
}
