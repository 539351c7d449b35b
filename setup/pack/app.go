package pack

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// App is what the operator decides about the Teams app.
type App struct {
	ManifestID string   // the app's own ID, externalId in the catalogue
	BotID      string   // the Entra app that is the bot
	PublicURL  *url.URL // where people and Teams reach Fanfare; must be https
	Version    string   // must grow with every upload: 1.0.0

	Name, FullName               string // at most 30 and 100 characters; FullName may be empty
	Description, FullDescription string // at most 80 and 4,000 characters; FullDescription may be empty
	Publisher                    string // at most 32 characters
	PrivacyURL, TermsURL         string // https; the public address if empty
	Accent                       string // #RRGGBB, behind the icon

	// Consent is the resource-specific permissions Graph consents to at installation
	// (protocol F.3); the manifest must declare the same.
	Consent []string
	// Icons as PNG: 192×192 in colour, and 32×32 of white on transparent. Fanfare's own if nil.
	ColorIcon, OutlineIcon []byte
}

// The most characters Microsoft's schema takes (protocol I).
const (
	maxName, maxFullName               = 30, 100
	maxDescription, maxFullDescription = 80, 4000
	maxPublisher                       = 32
	maxConsent                         = 16
)

var (
	versionForm = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}$`)
	accentForm  = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

// Problem is one mistake in an App. Field is the name of the field in this package's
// App, so that whoever filled it in can say where it came from.
type Problem struct{ Field, Text string }

func (p *Problem) Error() string { return p.Field + " " + p.Text }

// Check names every mistake but the address's: an App for a trial on one machine has
// no package, and yet a name and icons that must be right.
func (a App) Check() []*Problem {
	var out []*Problem
	add := func(field, format string, args ...any) {
		out = append(out, &Problem{field, fmt.Sprintf(format, args...)})
	}
	for _, t := range []struct {
		field, text string
		most        int
		need        bool
	}{
		{"Name", a.Name, maxName, true},
		{"FullName", a.FullName, maxFullName, false},
		{"Description", a.Description, maxDescription, true},
		{"FullDescription", a.FullDescription, maxFullDescription, false},
		{"Publisher", a.Publisher, maxPublisher, true},
	} {
		switch n := utf8.RuneCountInString(t.text); {
		case t.need && strings.TrimSpace(t.text) == "":
			add(t.field, "is not set; Teams does not take an app without it")
		case n > t.most:
			add(t.field, "has %d characters; Teams takes at most %d", n, t.most)
		}
	}
	if !versionForm.MatchString(a.Version) {
		add("Version", "is %q; it must be three numbers such as 1.0.0", a.Version)
	}
	if !accentForm.MatchString(a.Accent) {
		add("Accent", "is %q; it must be a colour such as #4F6BED", a.Accent)
	}
	for field, link := range map[string]string{"PrivacyURL": a.PrivacyURL, "TermsURL": a.TermsURL} {
		if u, err := url.Parse(link); link != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			add(field, "is %q; it must be a complete address that begins with https://", link)
		}
	}
	if len(a.Consent) > maxConsent {
		add("Consent", "names %d permissions; Teams takes at most %d", len(a.Consent), maxConsent)
	}
	if err := checkColor(a.ColorIcon); err != nil {
		add("ColorIcon", "%v", err)
	}
	if err := checkOutline(a.OutlineIcon); err != nil {
		add("OutlineIcon", "%v", err)
	}
	return out
}

// ErrPlain is that the public address is not one Teams can open.
var ErrPlain = errors.New("the public address must begin with https:// and name a host: Teams opens nothing else")

// ready is every mistake, with the address's.
func (a App) ready() error {
	var problems []error
	for _, p := range a.Check() {
		problems = append(problems, p)
	}
	if a.PublicURL == nil || a.PublicURL.Scheme != "https" || a.PublicURL.Hostname() == "" {
		problems = append(problems, ErrPlain)
	}
	return errors.Join(problems...)
}

// at is an address below the public one.
func (a App) at(path string) string { return strings.TrimRight(a.PublicURL.String(), "/") + path }

// page is a link of the operator's, or the public address.
func (a App) page(link string) string { return cmp.Or(link, a.at("/")) }
