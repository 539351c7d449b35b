package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer. The largest honest one, 999
// members with all their plans, is below 10 MB.
const maxAnswer = 64 << 20

// note is what Graph really answered, whatever the SDK makes of it. The last
// answer of a call counts: a challenge for more claims is followed by another.
type note struct {
	status     int
	retryAfter time.Duration
	code       string
	inner      string // the innermost error code, where there is one
	message    string
}

type noteKey struct{}

func withNote(ctx context.Context) (context.Context, *note) {
	n := &note{}
	return context.WithValue(ctx, noteKey{}, n), n
}

// wall is the last thing before the network: it lets nothing out but calls to
// the one configured host, and notes what comes back.
type wall struct {
	next         http.RoundTripper
	scheme, host string
	now          func() time.Time
}

// RoundTrip reads the whole answer, so that a broken one is a network error and
// an empty one is seen as empty: the SDK takes a chunked empty body for a failure.
func (w *wall) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != w.scheme || !strings.EqualFold(req.URL.Host, w.host) {
		return nil, fmt.Errorf("refused to call %s://%s: only %s://%s is Graph", req.URL.Scheme, req.URL.Host, w.scheme, w.host)
	}
	res, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	err = errors.Join(err, res.Body.Close())
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d MB", maxAnswer>>20)
	}
	if n, ok := req.Context().Value(noteKey{}).(*note); ok {
		*n = w.read(res, body)
	}
	if err != nil && res.StatusCode < 300 {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, nil
}

func (w *wall) read(res *http.Response, body []byte) note {
	n := note{status: res.StatusCode, retryAfter: retryAfter(res.Header.Get("Retry-After"), w.now())}
	if res.StatusCode < 300 {
		return n
	}
	var answer struct {
		Error struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Inner   json.RawMessage `json:"innerError"` // matches innererror too
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil {
		n.code, n.message, n.inner = answer.Error.Code, answer.Error.Message, innermost(answer.Error.Inner)
	}
	if n.message == "" {
		kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
		n.message = fmt.Sprintf("%s with %d bytes of %q and no error object", http.StatusText(n.status), len(body), kind)
	}
	return n
}

// innermost digs for the last code in nested inner errors, at most a few deep.
func innermost(raw json.RawMessage) string {
	code := ""
	for range 4 {
		var inner struct {
			Code  string          `json:"code"`
			Inner json.RawMessage `json:"innerError"`
		}
		if len(raw) == 0 || json.Unmarshal(raw, &inner) != nil {
			break
		}
		if inner.Code != "" {
			code = inner.Code
		}
		raw = inner.Inner
	}
	return code
}

// maxRetryAfter bounds a pause Graph asks for: a misread one must not stop
// Fanfare for good.
const maxRetryAfter = time.Hour

// retryAfter reads seconds or an HTTP date; 0 for none or nonsense.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}
