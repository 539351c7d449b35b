package server

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/directory"
	"github.com/fanfare/fanfare/teams"
)

// setting is one row of the configuration table: what the README lists, `fanfare
// config` prints and ReadConfig reads.
type setting struct {
	name, usual, about string
	required, secret   bool
	mask               func(string) string // of a secret, for printing
	set                func(*Config, string) error
	get                func(*Config) string
}

// raw is the value from the environment. A secret may instead stand in a file
// named by NAME_FILE, as containers mount them.
func (s setting) raw(getenv func(string) string) (string, error) {
	value := strings.TrimSpace(getenv(s.name))
	file := ""
	if s.secret {
		file = getenv(s.name + "_FILE")
	}
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("and %s_FILE are both set; choose one", s.name)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("cannot be read from %s_FILE: %w", s.name, err)
	}
	return strings.TrimSpace(string(content)), nil
}

var settings = append([]setting{
	text("FANFARE_DATABASE", "sqlite:fanfare.db", "where everything is remembered: sqlite:FILE or postgres://user:password@host/name", func(c *Config) *string { return &c.Database }).address(),
	text("FANFARE_LISTEN", "127.0.0.1:8080", "address and port to listen on", func(c *Config) *string { return &c.Listen }).checked(listenAddress),
	link("FANFARE_PUBLIC_URL", "", "the address people and Teams reach Fanfare at, e.g. https://fanfare.example.com", func(c *Config) **url.URL { return &c.PublicURL }).must(),
	text("FANFARE_TENANT_ID", "", "the Entra tenant's ID (a GUID)", func(c *Config) *string { return &c.TenantID }).checked(guid).must(),
	text("FANFARE_BOT_ID", "", "the bot's Entra app ID (a GUID)", func(c *Config) *string { return &c.BotID }).checked(guid).must(),
	text("FANFARE_BOT_NAME", "Fanfare", "the name messages come from", func(c *Config) *string { return &c.BotName }),
	text("FANFARE_BOT_CREDENTIAL", "", "how the bot proves itself: secret, certificate, workload or managed; found out from the next three if empty", func(c *Config) *string { return &c.Credential.Kind }).checked(oneOf("secret", "certificate", "workload", "managed")),
	text("FANFARE_BOT_SECRET", "", "the bot's client secret", func(c *Config) *string { return &c.Credential.Secret }).hidden(),
	text("FANFARE_BOT_CERTIFICATE_FILE", "", "the bot's certificate with its private key (PEM or PKCS#12)", func(c *Config) *string { return &c.Credential.CertFile }),
	text("FANFARE_BOT_CERTIFICATE_PASSWORD", "", "the password of a PKCS#12 certificate", func(c *Config) *string { return &c.Credential.CertPassword }).hidden(),
	text("FANFARE_BOT_TENANT", "", "the tenant the bot's token comes from; botframework.com for a multi-tenant bot, else empty", func(c *Config) *string { return &c.Credential.Tenant }),
	text("FANFARE_MANIFEST_ID", "", "the id in the Teams app manifest (a GUID; externalId in the catalogue)", func(c *Config) *string { return &c.ManifestID }).checked(guid).must(),
	text("FANFARE_SIGN_IN_CLIENT_ID", "", "the Entra app people sign in with; the bot's if empty", func(c *Config) *string { return &c.SignInClientID }).checked(guid),
	text("FANFARE_SIGN_IN_SECRET", "", "that app's client secret; the bot's if it is the same app", func(c *Config) *string { return &c.SignInSecret }).hidden(),
	link("FANFARE_AUTHORITY_URL", "https://login.microsoftonline.com", "Entra ID", func(c *Config) **url.URL { return &c.AuthorityURL }),
	link("FANFARE_GRAPH_URL", "https://graph.microsoft.com/v1.0", "Microsoft Graph, with version", func(c *Config) **url.URL { return &c.GraphURL }),
	link("FANFARE_CONNECTOR_METADATA_URL", "https://login.botframework.com/v1/.well-known/openidconfiguration", "OpenID metadata of the keys Teams signs with", func(c *Config) **url.URL { return &c.MetadataURL }),
	text("FANFARE_CONNECTOR_ISSUER", "https://api.botframework.com", "who issues the tokens Teams sends", func(c *Config) *string { return &c.TokenIssuer }),
	text("FANFARE_CONNECTOR_SCOPE", "https://api.botframework.com/.default", "the scope of the bot's own token", func(c *Config) *string { return &c.TokenScope }),
	link("FANFARE_CONNECTOR_URL", "https://smba.trafficmanager.net/teams/", "service URL for people no event told us one for", func(c *Config) **url.URL { return &c.FallbackURL }),
	list("FANFARE_SERVICE_HOSTS", strings.Join(teams.DefaultHosts(), ","), "the only hosts the bot's token is sent to", func(c *Config) *[]string { return &c.ServiceHosts }),
	list("FANFARE_PLAIN_HTTP_HOSTS", "", "loopback host:port that links, images and service URLs may use without https (a simulator)", func(c *Config) *[]string { return &c.PlainHTTP }).checked(loopbacks),
	text("FANFARE_CA_FILE", "", "further certificate authorities to trust (PEM)", func(c *Config) *string { return &c.CAFile }),
	list("FANFARE_TEAMS_PLANS", strings.Join(directory.TeamsPlans(), ","), "the service plans that count as a Teams licence", func(c *Config) *[]string { return &c.TeamsPlans }),
	list("FANFARE_RSC_PERMISSIONS", "ChatMessageReadReceipt.Read.Chat", "resource-specific permissions the app package declares, consented to at installation; none for none", func(c *Config) *[]string { return &c.RSC }),
	number("FANFARE_CONNECTOR_RATE", "47", "requests/s to Teams, below Microsoft's 50; 0 for no limit (only a simulator survives that)", func(c *Config) *float64 { return &c.ConnectorRate }),
	number("FANFARE_INSTALL_RATE", "24.5", "installations/s through Graph, below the 83 % of 30 that Microsoft lets last; 0 for no limit", func(c *Config) *float64 { return &c.InstallRate }),
	toggle("FANFARE_ENGINE", "on", "on, or off for a replica that only serves pages and API and leaves the work to others", func(c *Config) *bool { return &c.EngineOff }),
	count("FANFARE_WORKERS", "16", "requests at once per chunk", 1, 256, func(c *Config) *int { return &c.Workers }),
	count("FANFARE_CARD_LIMIT", "81920", "largest message in bytes as Teams counts them; 28672 for hybrid or older clouds", 4096, 102400, func(c *Config) *int { return &c.CardLimit }),
	count("FANFARE_FATIGUE_NUMBER", "5", "announcements somebody should not get more of in 7 days; authors are warned, nothing is stopped; 0 for no warning", 0, 1000, func(c *Config) *int { return &c.Fatigue.Number }),
	number("FANFARE_FATIGUE_PERCENT", "10", "how many in a hundred people of an audience may get more than that before authors are warned", func(c *Config) *float64 { return &c.Fatigue.Percent }),
	span("FANFARE_SYNC_EVERY", "15m", "how often the directory's changes are read", func(c *Config) *time.Duration { return &c.SyncEvery }),
	span("FANFARE_STALE_AFTER", "24h", "how old the directory may be before pages warn whoever is about to send", func(c *Config) *time.Duration { return &c.StaleAfter }),
	span("FANFARE_INSTALL_GRACE", "20s", "how long to wait for the event of an installation before asking Graph for the chat", func(c *Config) *time.Duration { return &c.InstallGrace }),
	spanOrOff("FANFARE_UPKEEP_EVERY", "168h", "how often all installations are looked at by themselves, and upgraded when the catalogue has a newer version; off for never", func(c *Config) *time.Duration { return &c.UpkeepEvery }),
	number("FANFARE_UPKEEP_SHARE", "50", "how many in a hundred of FANFARE_INSTALL_RATE looking at installations may take at most", func(c *Config) *float64 { return &c.UpkeepShare }).checked(percent),
	span("FANFARE_UPKEEP_SETTLE", "1h", "how long something must have stood before Graph is believed against the ledger, and how long an app that vanished stays away before it is put back", func(c *Config) *time.Duration { return &c.UpkeepSettle }),
	text("FANFARE_LOG_LEVEL", "info", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }).checked(oneOf("debug", "info", "warn", "error")),
	text("FANFARE_LOG_FORMAT", "json", "json or text", func(c *Config) *string { return &c.LogFormat }).checked(oneOf("json", "text")),
}, appSettings...)

func (s setting) must() setting   { s.required = true; return s }
func (s setting) hidden() setting { s.secret, s.mask = true, stars; return s }

// address is a secret of which only the password is hidden.
func (s setting) address() setting { s.secret, s.mask = true, withoutPassword; return s }

// checked adds a check before the value is set.
func (s setting) checked(check func(string) error) setting {
	set := s.set
	s.set = func(c *Config, v string) error {
		if err := check(v); err != nil {
			return err
		}
		return set(c, v)
	}
	return s
}

func text(name, usual, about string, at func(*Config) *string) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error { *at(c) = v; return nil },
		get: func(c *Config) string { return *at(c) },
	}
}

func list(name, usual, about string, at func(*Config) *[]string) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error {
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*at(c) = append(*at(c), part)
				}
			}
			return nil
		},
		get: func(c *Config) string { return strings.Join(*at(c), ",") },
	}
}

func link(name, usual, about string, at func(*Config) **url.URL) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) (err error) { *at(c), err = address(v); return err },
		get: func(c *Config) string {
			if u := *at(c); u != nil {
				return u.String()
			}
			return ""
		},
	}
}

func number(name, usual, about string, at func(*Config) *float64) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || f < 0 || f > 1e6 {
				return fmt.Errorf("is %q; it must be a number from 0 to 1000000", v)
			}
			*at(c) = f
			return nil
		},
		get: func(c *Config) string { return strconv.FormatFloat(*at(c), 'f', -1, 64) },
	}
}

func count(name, usual, about string, least, most int, at func(*Config) *int) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < least || n > most {
				return fmt.Errorf("is %q; it must be a whole number from %d to %d", v, least, most)
			}
			*at(c) = n
			return nil
		},
		get: func(c *Config) string { return strconv.Itoa(*at(c)) },
	}
}

// toggle is on or off; what it sets is true for off.
func toggle(name, usual, about string, at func(*Config) *bool) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error { *at(c) = v == "off"; return nil },
		get: func(c *Config) string {
			if *at(c) {
				return "off"
			}
			return "on"
		},
	}.checked(oneOf("on", "off"))
}

// spanOrOff is a span, or off for 0.
func spanOrOff(name, usual, about string, at func(*Config) *time.Duration) setting {
	s := span(name, usual, about, at)
	set, get := s.set, s.get
	s.set = func(c *Config, v string) error {
		if v == "off" {
			*at(c) = 0
			return nil
		}
		return set(c, v)
	}
	s.get = func(c *Config) string {
		if *at(c) == 0 {
			return "off"
		}
		return get(c)
	}
	return s
}

func span(name, usual, about string, at func(*Config) *time.Duration) setting {
	return setting{
		name: name, usual: usual, about: about,
		set: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d <= 0 {
				return fmt.Errorf("is %q; it must be a time such as 90s, 15m or 2h", v)
			}
			*at(c) = d
			return nil
		},
		get: func(c *Config) string { return at(c).String() },
	}
}

var guidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func guid(v string) error {
	if !guidForm.MatchString(v) || strings.Trim(v, "0-") == "" {
		return fmt.Errorf("is %q; it must be a GUID such as 7d1f0c52-2c11-4a57-9e59-3f0a5a0be001", v)
	}
	return nil
}

func percent(v string) error {
	if f, err := strconv.ParseFloat(v, 64); err != nil || f <= 0 || f > 100 {
		return fmt.Errorf("is %q; it must be a number above 0 and at most 100", v)
	}
	return nil
}

func oneOf(allowed ...string) func(string) error {
	return func(v string) error {
		for _, a := range allowed {
			if v == a {
				return nil
			}
		}
		return fmt.Errorf("is %q; it must be one of %s", v, strings.Join(allowed, ", "))
	}
}

func listenAddress(v string) error {
	if _, _, err := net.SplitHostPort(v); err != nil {
		return fmt.Errorf("is %q; it must be host:port, such as :8080", v)
	}
	return nil
}

// address is a complete https address, or plain http to this very machine.
func address(v string) (*url.URL, error) {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("is %q; it must be a complete address such as https://fanfare.example.com", v)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("is %q; it must begin with https:// (http:// is for loopback addresses only)", v)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func loopbacks(v string) error {
	for part := range strings.SplitSeq(v, ",") {
		host, port, err := net.SplitHostPort(strings.TrimSpace(part))
		if err != nil || port == "" || !loopback(host) {
			return errors.New("must list loopback addresses with their port, such as 127.0.0.1:9443")
		}
	}
	return nil
}
