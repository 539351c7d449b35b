package teams

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
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

// viaHTTP makes the call with net/http. The trace tells whether the request was
// written: a connection that was never made has certainly sent nothing.
func (c *Client) viaHTTP(ctx context.Context, k *call, token string, by time.Time) (answer, error) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, k.method, k.to.base+k.path, bytes.NewReader(k.body))
	if err != nil {
		return answer{}, unusable(CodeHost, "the address cannot be used in a request")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if k.body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, networkFault(err, k.posts && wrote.Load())
	}
	defer func() { _ = resp.Body.Close() }() // read only: nothing is lost by a failing close
	// A body that breaks off is as good as what came of it: the status has told
	// already whether the message is there.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, k.bound()))
	return answer{status: resp.StatusCode, header: resp.Header, body: body, posts: k.posts}, nil
}
