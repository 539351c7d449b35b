package teams

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// Answers are read up to these many bytes; a page of 500 members is about 200 KB.
const (
	maxAnswer  = 64 << 10
	maxMembers = 2 << 20
)

// call is one request to the Connector.
type call struct {
	method string
	url    string
	body   []byte
	posts  bool  // stores a message: it may have been stored though the call failed
	limit  int64 // bytes of the answer to read; 0 for maxAnswer
}

// do makes a call and returns the body of its success, or a *broadcast.Fault. A 401
// is tried once more with a new token (protocol A.2).
func (c *Client) do(ctx context.Context, k call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for again := false; ; again = true {
		token, err := c.token.Token(ctx)
		if err != nil {
			return nil, tokenFault(err)
		}
		a, err := c.once(ctx, k, token)
		if err != nil {
			return nil, err
		}
		if a.status >= 200 && a.status < 300 {
			return a.body, nil
		}
		if a.status == http.StatusUnauthorized && !again {
			c.token.Drop(token)
			continue
		}
		return nil, a.fault(c.now())
	}
}

// once makes the call with one token. The trace tells whether the request was
// written: a connection that was never made has certainly sent nothing.
func (c *Client) once(ctx context.Context, k call, token string) (answer, error) {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return answer{}, unusable(CodeHost, "the address cannot be used in a request")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, networkFault(err, k.posts && wrote.Load())
	}
	defer func() { _ = resp.Body.Close() }() // read only: nothing is lost by a failing close
	limit := k.limit
	if limit == 0 {
		limit = maxAnswer
	}
	// A body that breaks off is as good as what came of it: the status has told
	// already whether the message is there.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, limit))
	return answer{status: resp.StatusCode, header: resp.Header, body: body, posts: k.posts}, nil
}

// path joins a checked base and path segments, each escaped as encodeURIComponent
// does: conversation IDs hold : ; = @ and sometimes / or | (protocol C, K.23).
func path(base string, segments ...string) string {
	var b strings.Builder
	b.WriteString(base)
	b.WriteString("/v3")
	for _, s := range segments {
		b.WriteByte('/')
		escapeSegment(&b, s)
	}
	return b.String()
}

func escapeSegment(b *strings.Builder, s string) {
	for i := range len(s) {
		ch := s[i]
		if ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || strings.IndexByte("-_.~", ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		fmt.Fprintf(b, "%%%02X", ch)
	}
}

// usable tells whether an ID can stand in a path: "." and ".." would name another one.
func usable(ids ...string) bool {
	for _, id := range ids {
		if id == "" || id == "." || id == ".." || len(id) > 2000 {
			return false
		}
	}
	return true
}
