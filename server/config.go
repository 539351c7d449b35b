package server

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/fanfare/fanfare/fatigue"
	"github.com/fanfare/fanfare/teams"
)

// Config is everything an operator decides. It comes from the environment only;
// settings.go is its table.
type Config struct {
	Database  string
	Listen    string
	PublicURL *url.URL

	TenantID   string
	BotID      string
	BotName    string
	ManifestID string
	Credential Credential

	SignInClientID string
	SignInSecret   string

	AuthorityURL *url.URL // Entra, without tenant
	GraphURL     *url.URL // with version
	MetadataURL  *url.URL // OpenID metadata of the Connector's keys
	TokenIssuer  string
	TokenScope   string
	FallbackURL  *url.URL // service URL for people we never heard from
	ServiceHosts []string
	PlainHTTP    []string // loopback host:port that may be plain http
	CAFile       string
	TeamsPlans   []string
	RSC          []string
	App          App // how it looks in Teams

	ConnectorRate float64
	InstallRate   float64
	Workers       int
	EngineOff     bool // serve pages and API only
	CardLimit     int
	SyncEvery     time.Duration
	StaleAfter    time.Duration
	Fatigue       fatigue.Limit
	InstallGrace  time.Duration
	UpkeepEvery   time.Duration // 0 for never by itself
	UpkeepShare   float64       // per cent of InstallRate
	UpkeepSettle  time.Duration

	LogLevel  string
	LogFormat string
}

// Credential is how the bot proves to Entra who it is. Exactly one kind is set.
type Credential struct {
	Kind         string // secret, certificate, workload, managed
	Secret       string
	CertFile     string
	CertPassword string
	Tenant       string // authority tenant for the bot token; the tenant unless the bot is multi-tenant
}

// ReadConfig reads every setting and reports all mistakes at once, one a line.
func ReadConfig(getenv func(string) string) (Config, error) {
	c := Config{}
	var problems []error
	for _, s := range settings {
		raw, err := s.raw(getenv)
		if err == nil && raw == "" {
			raw = s.usual
		}
		if err == nil && raw != "" {
			err = s.set(&c, raw)
		}
		if err == nil && raw == "" && s.required {
			err = errors.New("is not set; " + s.about)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", s.name, err))
		}
	}
	problems = append(problems, c.check()...)
	return c, errors.Join(problems...)
}

// check looks at what single settings cannot know of each other.
func (c *Config) check() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Credential.Tenant == "" {
		c.Credential.Tenant = c.TenantID
	}
	if c.SignInClientID == "" {
		c.SignInClientID = c.BotID
	}
	if c.SignInSecret == "" && c.SignInClientID == c.BotID {
		c.SignInSecret = c.Credential.Secret
	}
	if c.SignInSecret == "" {
		add("FANFARE_SIGN_IN_SECRET is not set; people sign in with the client secret of FANFARE_SIGN_IN_CLIENT_ID")
	}
	problems = append(problems, c.Credential.check()...)
	problems = append(problems, c.checkApp()...)
	if _, err := teams.ParseHostList(append(c.ServiceHosts, c.PlainHTTP...)); err != nil {
		add("FANFARE_SERVICE_HOSTS or FANFARE_PLAIN_HTTP_HOSTS %w", err)
	}
	if c.EngineOff && strings.HasPrefix(c.Database, "sqlite:") {
		add("FANFARE_ENGINE is off, but on SQLite nobody else can do the work; use it with PostgreSQL and at least one replica that has it on")
	}
	if c.CAFile != "" {
		if _, err := os.ReadFile(c.CAFile); err != nil {
			add("FANFARE_CA_FILE cannot be read: %w", err)
		}
	}
	return problems
}

// check makes sure that there is exactly one credential: without bot
// authentication Fanfare does not start.
func (c *Credential) check() []error {
	if c.Kind == "" {
		switch {
		case c.Secret != "" && c.CertFile != "":
			return []error{errors.New("FANFARE_BOT_SECRET and FANFARE_BOT_CERTIFICATE_FILE are both set; choose one, or say which by FANFARE_BOT_CREDENTIAL")}
		case c.Secret != "":
			c.Kind = "secret"
		case c.CertFile != "":
			c.Kind = "certificate"
		default:
			return []error{errors.New("FANFARE_BOT_CREDENTIAL is not set and there is no FANFARE_BOT_SECRET or FANFARE_BOT_CERTIFICATE_FILE; the bot cannot authenticate, so Fanfare does not start")}
		}
	}
	switch {
	case c.Kind == "secret" && c.Secret == "":
		return []error{errors.New("FANFARE_BOT_SECRET is not set, but FANFARE_BOT_CREDENTIAL is secret")}
	case c.Kind == "certificate" && c.CertFile == "":
		return []error{errors.New("FANFARE_BOT_CERTIFICATE_FILE is not set, but FANFARE_BOT_CREDENTIAL is certificate")}
	case c.Kind == "certificate":
		if _, err := os.ReadFile(c.CertFile); err != nil {
			return []error{fmt.Errorf("FANFARE_BOT_CERTIFICATE_FILE cannot be read: %w", err)}
		}
	}
	return nil
}

// Text prints the configuration in effect, a setting a line, secrets masked.
func (c Config) Text() string {
	var b strings.Builder
	for _, s := range settings {
		value := s.get(&c)
		if s.secret {
			value = s.mask(value)
		}
		fmt.Fprintf(&b, "%s=%s\n", s.name, value)
	}
	return b.String()
}

// stars hides a secret.
func stars(value string) string {
	if value == "" {
		return ""
	}
	return "********"
}

// withoutPassword hides the password of a database's address, and the whole of
// it when it is of a form that might hold one elsewhere.
func withoutPassword(value string) string {
	u, err := url.Parse(value)
	switch {
	case strings.HasPrefix(value, "sqlite:"):
		return value
	case err == nil && u.Host != "" && u.RawQuery == "":
		return u.Redacted()
	}
	return stars(value)
}

// SettingsTable is the configuration as the README lists it.
func SettingsTable() string {
	var b strings.Builder
	b.WriteString("| variable | usually | what it is |\n|---|---|---|\n")
	for _, s := range settings {
		usual := "`" + s.usual + "`"
		switch {
		case s.required:
			usual = "**required**"
		case s.usual == "":
			usual = ""
		case len(s.usual) > 70:
			usual = "Microsoft's own"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, usual, s.about)
	}
	return b.String()
}
