package simulator

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// The invented identities that every part of a demo agrees on.
const (
	DefaultTenantID       = "7d1f0c52-2c11-4a57-9e59-3f0a5a0be001"
	DefaultBotID          = "c0ffee00-1111-4222-8333-444455556666"
	DefaultManifestID     = "5eed0000-aaaa-4bbb-8ccc-0123456789ab"
	DefaultTeamsAppID     = "ca7a1060-9999-4888-8777-666655554444"
	DefaultClientSecret   = "simulated-bot-secret"
	DefaultSignInClientID = "51611111-2222-4333-8444-555566667777"
	DefaultSignInSecret   = "simulated-sign-in-secret"
)

// Dials are the knobs that can be turned while the simulator runs.
type Dials = dials.Dials

// Fault is one injected failure of Dials.Fail.
type Fault = dials.Fault

// Options are what a simulator starts with. Zero values of identities mean the
// invented defaults; zero rates mean unlimited.
type Options struct {
	// People is the size of the organisation; 0 means 1000.
	People int
	// Seed decides who is unlucky.
	Seed int64
	// Identities of the tenant and its bot.
	BotID, ManifestID, TenantID, ClientSecret string
	// ConnectorRate is requests per second per app and tenant over all
	// operations, in a strict sliding second; 0 is unlimited (protocol E.1).
	ConnectorRate int
	// GraphInstallRate is POST installedApps per second (protocol F.7); 0 lifts
	// all limits of Graph.
	GraphInstallRate int
	// BotEndpoint is where activities are posted; several addresses, separated
	// by commas, take turns. See SetBotEndpoint.
	BotEndpoint string
	// EventDelay is the upper bound of the delay of install events.
	EventDelay time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log may be nil.
	Log *slog.Logger
	// PublicURL is the https address the simulator is reached at; Listen sets
	// it if it is empty.
	PublicURL string
}

// DefaultOptions are those of a tenant with Microsoft's published limits.
func DefaultOptions() Options {
	return Options{
		People: 1000, Seed: 1, ConnectorRate: 50, GraphInstallRate: 30, EventDelay: 300 * time.Millisecond,
	}.filled()
}

func (o Options) filled() Options {
	for _, field := range []struct {
		value    *string
		fallback string
	}{
		{&o.BotID, DefaultBotID},
		{&o.ManifestID, DefaultManifestID},
		{&o.TenantID, DefaultTenantID},
		{&o.ClientSecret, DefaultClientSecret},
	} {
		if *field.value == "" {
			*field.value = field.fallback
		}
	}
	if o.People == 0 {
		o.People = 1000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// maxPeople keeps numbers within what identifiers can carry.
const maxPeople = 100_000_000

func (o Options) check() error {
	if o.People < 1 || o.People > maxPeople {
		return fmt.Errorf("people must be between 1 and %d, not %d", maxPeople, o.People)
	}
	if o.ConnectorRate < 0 || o.GraphInstallRate < 0 || o.EventDelay < 0 {
		return fmt.Errorf("rates and delays must not be negative")
	}
	return nil
}

// Person is somebody to sign in as.
type Person struct {
	Number             int
	Name, UPN, EntraID string
	Roles              []string
}

// StandardPeople are the first people of every tenant, who carry the app roles
// Author, Approver, Admin and Auditor.
func StandardPeople() []Person {
	people := make([]Person, 0, tenant.Standard())
	for n := range tenant.Standard() {
		p := tenant.Compute(n+1, dials.Ordinary)
		people = append(people, Person{Number: p.Number, Name: p.Name, UPN: p.UPN, EntraID: p.EntraID, Roles: p.Roles})
	}
	return people
}

// EntraID returns the directory object ID of the person with that number.
func EntraID(number int) string { return tenant.EntraID(number) }
