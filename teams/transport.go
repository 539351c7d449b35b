package teams

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"
)

// NewTransport makes the connections a fan-out needs: the standard transport keeps
// two idle connections per host and would open a new one for most sends. conns is
// the number of workers; roots are the trusted authorities, nil for the system's.
func NewTransport(conns int, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          2 * conns,
		MaxIdleConnsPerHost:   conns,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}
}

// straight is a client that follows no redirect, which would lead to an address
// nobody checked. It is a copy: the caller's client keeps its own ways.
func straight(c *http.Client) *http.Client {
	out := *c
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out
}
