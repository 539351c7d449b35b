package teams

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// DefaultHosts are the Connector's hosts in Microsoft's clouds (protocol C.8). The
// list is exact on purpose: anybody can register a name under trafficmanager.net,
// and the token we attach opens the whole Connector.
func DefaultHosts() []string {
	return []string{
		"smba.trafficmanager.net",
		"smba.infra.gcc.teams.microsoft.com",
		"smba.infra.gov.teams.microsoft.us",
		"smba.infra.dod.teams.microsoft.us",
	}
}

// DefaultServiceURL is the public cloud's address for people of whom no activity
// told one yet (protocol C.8).
const DefaultServiceURL = "https://smba.trafficmanager.net/teams/"

// HostList is the set of hosts our token may be sent to. The zero value allows none.
type HostList struct {
	https map[string]bool // host, or host:port other than 443
	plain map[string]bool // loopback host:port that may be plain http too
}

// ParseHostList reads entries like "smba.trafficmanager.net" or "127.0.0.1:8443".
// A loopback address with a port may be spoken to over plain http; everything else
// is https. The error names every entry that is wrong.
func ParseHostList(entries []string) (HostList, error) {
	list := HostList{https: map[string]bool{}, plain: map[string]bool{}}
	var bad []string
	for _, e := range entries {
		host, port, ok := splitEntry(strings.ToLower(strings.TrimSpace(e)))
		if !ok {
			bad = append(bad, fmt.Sprintf("%q", e))
			continue
		}
		list.https[hostKey(host, port)] = true
		if port != "" && isLoopback(host) {
			list.plain[net.JoinHostPort(host, port)] = true
		}
	}
	if len(bad) > 0 {
		return HostList{}, fmt.Errorf("not a host name: %s; write each as host or host:port, without scheme, path or wildcard", strings.Join(bad, ", "))
	}
	return list, nil
}

// splitEntry takes "host", "host:port" or "[v6]:port" apart.
func splitEntry(e string) (host, port string, ok bool) {
	u, err := url.Parse("https://" + e)
	if err != nil || e == "" || u.Host != e || u.Hostname() == "" || strings.HasSuffix(e, ":") {
		return "", "", false
	}
	if strings.ContainsFunc(u.Hostname(), notHostRune) {
		return "", "", false
	}
	return u.Hostname(), u.Port(), true
}

func notHostRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-.:_", r))
}

// hostKey leaves the default port out, so that both spellings of an address are one.
func hostKey(host, port string) string {
	if port == "" || port == "443" {
		return host
	}
	return net.JoinHostPort(host, port)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Allow tells whether our token may be sent to this service URL: nil, or why not.
func (h HostList) Allow(serviceURL string) error {
	_, err := h.place(serviceURL)
	return err
}

// Strings lists the hosts, sorted, for the printed configuration.
func (h HostList) Strings() []string {
	out := make([]string, 0, len(h.https))
	for k := range h.https {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// place is a service URL that was checked and taken apart once: a million sends
// go to a handful of them.
type place struct {
	base   string // without trailing slash, so that paths can be joined (protocol C)
	secure bool
	host   string // as the Host header has it
	name   string // without port, as the certificate has it
	addr   string // host:port to connect to
	prefix string // the base's path, escaped
	direct bool   // the client's Wire can carry what goes there
}

// place checks a service URL before anything is sent to it.
func (h HostList) place(serviceURL string) (*place, error) {
	u, err := url.Parse(serviceURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, fmt.Errorf("%q is not a service URL", shorten(serviceURL, 200))
	}
	name, port := strings.ToLower(u.Hostname()), u.Port()
	switch {
	case u.Scheme == "https" && h.https[hostKey(name, port)]:
	case u.Scheme == "http" && h.plain[net.JoinHostPort(name, port)]:
	default:
		return nil, fmt.Errorf("service URL host %q (%s) is not on the allow-list", u.Host, u.Scheme)
	}
	if port == "" {
		port = "443" // plain http is allowed with a port only
	}
	return &place{
		base: strings.TrimRight(serviceURL, "/"), secure: u.Scheme == "https", host: u.Host, name: name,
		addr: net.JoinHostPort(name, port), prefix: strings.TrimRight(u.EscapedPath(), "/"),
	}, nil
}

// request is what the place looks like to those who decide about proxies.
func (p *place) request() *http.Request {
	scheme := "http"
	if p.secure {
		scheme = "https"
	}
	return &http.Request{URL: &url.URL{Scheme: scheme, Host: p.host}}
}

// maxPlaces bounds what is remembered; real tenants have a handful of service URLs.
const maxPlaces = 256

// atlas remembers the places of one client.
type atlas struct {
	mu    sync.RWMutex
	known map[string]*place
}

func (a *atlas) find(serviceURL string) *place {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[serviceURL]
}

func (a *atlas) keep(serviceURL string, p *place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[string]*place{}
	}
	if len(a.known) < maxPlaces {
		a.known[serviceURL] = p
	}
}

// shorten cuts s to at most n characters, with an ellipsis where something is missing.
func shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
