package teams

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"
)

// Answers are read up to these many bytes; a page of 500 members is about 200 KB.
const (
	maxAnswer  = 64 << 10
	maxMembers = 2 << 20
)

const contentType = "application/json; charset=utf-8"

// call is one request to the Connector.
type call struct {
	method string
	to     *place
	path   string // under the place, escaped, perhaps with a query
	body   []byte
	posts  bool  // stores a message: it may have been stored though the call failed
	limit  int64 // bytes of the answer to read; 0 for maxAnswer
}

func (k *call) bound() int64 { return cmp.Or(k.limit, maxAnswer) }

// do makes a call and returns the body of its success, or a *broadcast.Fault. A 401
// is tried once more with a new token (protocol A.2). The time limit is real time,
// whatever clock the client has for the rest.
func (c *Client) do(ctx context.Context, k *call) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, networkFault(err, false)
	}
	by := time.Now().Add(c.timeout)
	if end, ok := ctx.Deadline(); ok && end.Before(by) {
		by = end
	}
	for again := false; ; again = true {
		token, err := c.bearer(ctx, by)
		if err != nil {
			return nil, tokenFault(err)
		}
		a, err := c.once(ctx, k, token, by)
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

// bearer is the token in hand, or one that is waited for.
func (c *Client) bearer(ctx context.Context, by time.Time) (string, error) {
	if s, ok := c.token.(*credentialSource); ok {
		if token := s.inHand(); token != "" {
			return token, nil
		}
	}
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	return c.token.Token(ctx)
}

// once makes the call with one token.
func (c *Client) once(ctx context.Context, k *call, token string, by time.Time) (answer, error) {
	if k.to.direct {
		return c.wire.carry(ctx, k, token, by)
	}
	return c.viaHTTP(ctx, k, token, by)
}

// path joins path segments, each but the first escaped as encodeURIComponent does:
// conversation IDs hold : ; = @ and sometimes / or | (protocol C, K.23).
func path(collection, id string, segments ...string) string {
	size := len("/v3//") + len(collection) + 3*len(id)
	for _, s := range segments {
		size += 1 + 3*len(s)
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString("/v3/")
	b.WriteString(collection)
	b.WriteByte('/')
	escapeSegment(&b, id)
	for _, s := range segments {
		b.WriteByte('/')
		escapeSegment(&b, s)
	}
	return b.String()
}

func escapeSegment(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		ch := s[i]
		if ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || strings.IndexByte("-_.~", ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[ch>>4])
		b.WriteByte(hex[ch&15])
	}
}

// usable tells whether IDs can stand in a path: "." and ".." would name another one.
func usable(ids ...string) bool {
	for _, id := range ids {
		if id == "" || id == "." || id == ".." || len(id) > 2000 {
			return false
		}
	}
	return true
}
