package setup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// endsSoon is how long before an end people are warned: time enough to mend it at work.
const endsSoon = 21 * 24 * time.Hour

// stranger comes to our own address as somebody from outside would: past the proxy of
// this machine, on a connection of its own.
func stranger(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		CheckRedirect: stay,
	}
}

// stay follows no redirect.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

const fixURL = "Correct FANFARE_PUBLIC_URL, or the name’s entry in your DNS."

func (d *Desk) publicURL(ctx context.Context) Finding {
	host := d.o.PublicURL.Hostname()
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return fail(fmt.Sprintf("%s does not resolve: %s.", host, plain(err)), fixURL)
	}
	var out []string
	inside := true
	for _, a := range addresses {
		out = append(out, a.IP.String())
		inside = inside && (a.IP.IsPrivate() || a.IP.IsLoopback() || a.IP.IsLinkLocalUnicast())
	}
	switch at := strings.Join(out, ", "); {
	case len(out) == 0:
		return fail(host+" has no address.", fixURL)
	case net.ParseIP(host) != nil || host == "localhost":
		return warn(fmt.Sprintf("The public address is %s, which only this machine or network knows.", host), "That is enough for a trial with the simulator. For Teams give FANFARE_PUBLIC_URL a name that the internet knows.")
	case inside:
		return warn(fmt.Sprintf("From here %s is %s, which is a private address.", host, at), "That is right if your own network knows the name by another address than the internet does. Otherwise Teams cannot reach it.")
	default:
		return ok(fmt.Sprintf("%s is %s.", host, at))
	}
}

func (d *Desk) certificate(ctx context.Context) Finding {
	u := d.o.PublicURL
	if u.Scheme != "https" {
		return warn("The public address is plain http, so there is no certificate.", "That is enough for a trial on one machine. Teams needs https: put Fanfare behind something that speaks it, and change FANFARE_PUBLIC_URL.")
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: d.o.Roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return d.outsideKnows(ctx, badCertificate(err), err)
	}
	defer func() { _ = conn.Close() }()
	secure, isTLS := conn.(*tls.Conn)
	if !isTLS || len(secure.ConnectionState().PeerCertificates) == 0 {
		return fail("The public address shows no certificate.", "Let whatever speaks https for Fanfare show one.")
	}
	end := secure.ConnectionState().PeerCertificates[0].NotAfter
	if end.Sub(d.o.Now()) < endsSoon {
		return warn(fmt.Sprintf("The certificate ends on %s.", day(end)), "Renew it before; afterwards neither people nor Teams can reach Fanfare.")
	}
	return ok(fmt.Sprintf("It is valid until %s.", day(end)))
}

func badCertificate(err error) Finding {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fail(fmt.Sprintf("The certificate is not valid now: it is from %s to %s.", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter)), "Renew it. Until then neither people nor Teams can reach Fanfare. If it is new, correct this machine’s clock.")
	case errors.As(err, &name):
		return fail("The certificate is for another name.", "Get one for the host in FANFARE_PUBLIC_URL.")
	case errors.As(err, &authority):
		return fail("The certificate is from an authority this machine does not know.", "Teams takes only certificates of public authorities, sent with their intermediate ones. If yours is in front of a proxy, name its authority in FANFARE_CA_FILE.")
	}
	return fail(fmt.Sprintf("Nobody speaks TLS at the public address: %s.", plain(err)), "Start “fanfare serve”, and let something that speaks https forward to it.")
}

// botPath is where Teams posts what happens (api/routes.go).
const botPath = "/api/messages"

// ours is in what a Fanfare answers to whoever posts there without a token.
const ours = "Only Microsoft Teams may post here"

// botEndpoint posts as a stranger: our own bot refuses that, and so shows that it
// listens and that it looks at tokens (protocol B.3).
func (d *Desk) botEndpoint(ctx context.Context) Finding {
	at := strings.TrimRight(d.o.PublicURL.String(), "/") + botPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(`{"type":"message"}`))
	if err != nil {
		return fail("The public address cannot be used: "+plain(err)+".", fixURL)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := d.direct.Do(req)
	if err != nil {
		return d.outsideKnows(ctx, fail(fmt.Sprintf("Nobody answers at %s: %s.", at, plain(err)), "Start “fanfare serve”, and let the public address lead to it."), err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // what is missing is not ours
	switch refused := res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden; {
	case refused && strings.Contains(string(body), ours):
		return ok(at + " answers, and lets in nobody without Microsoft’s token.")
	case refused:
		return fail(fmt.Sprintf("Somebody else answers at %s, with status %d.", at, res.StatusCode), "A proxy or a sign-in page in front of Fanfare must let "+botPath+" through untouched: Fanfare checks Microsoft’s token itself.")
	case res.StatusCode < 300:
		return fail(fmt.Sprintf("%s takes a message without a token (status %d): that is not this Fanfare.", at, res.StatusCode), "Let the public address lead to Fanfare.")
	}
	return fail(fmt.Sprintf("%s answers with status %d; Fanfare would say 401.", at, res.StatusCode), "Let the public address lead to Fanfare, with the path "+botPath+" as it is.")
}

// outsideKnows softens what this machine found at our own address: many networks do not
// let a machine reach itself by its outer name, and whom Teams reached all the same is
// there. A certificate that is wrong is wrong for everybody.
func (d *Desk) outsideKnows(ctx context.Context, f Finding, err error) Finding {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || d.o.Database == nil {
		return f
	}
	heard, asked := d.o.Database.Heard(ctx)
	if asked != nil || heard.IsZero() || d.o.Now().Sub(heard) > recently {
		return f
	}
	return warn(f.Cause+" But Teams reached Fanfare there a short while ago.", "If this network does not let a machine reach itself by its outer name, all is well. Otherwise: "+f.Remedy)
}

// recently is how long ago Teams must have reached us to count against what we see.
const recently = 6 * time.Hour

// reachable is honest: only somebody outside can know, and Teams is the one who counts.
func (d *Desk) reachable(ctx context.Context) Finding {
	if d.o.Database == nil {
		return unknown("Whether Teams ever reached Fanfare stands in the database, which cannot be read.", "Mend the database first.")
	}
	heard, err := d.o.Database.Heard(ctx)
	switch {
	case err != nil:
		return unknown("Whether Teams ever reached Fanfare stands in the database, which cannot be read.", "Mend the database first.")
	case heard.IsZero():
		return unknown("Only somebody outside can know, and Teams has sent nothing in the last days.", "Write “help” to the app in Teams and check again. If no answer comes, the messaging endpoint of the Azure Bot is not "+strings.TrimRight(d.o.PublicURL.String(), "/")+botPath+", or a firewall is in the way.")
	}
	return ok(fmt.Sprintf("Teams reached Fanfare last on %s at %s.", day(heard), heard.UTC().Format("15:04 UTC")))
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }
