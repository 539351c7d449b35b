package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
)

// problem is RFC 9457's document, with a code for programs, each wrong field,
// and the request's name for the operator.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Errors    []fieldProblem `json:"errors,omitempty"`
	RequestID string         `json:"request_id"`
}

type fieldProblem struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// refusal is a request that no use-case ever saw: wrong at the level of HTTP.
type refusal struct {
	status       int
	code, detail string
}

func (r *refusal) Error() string { return r.detail }

var errNoMethod = &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take that method. The Allow header lists those it takes."}

// fail is the one way to say that something did not work.
func (d *Door) fail(c *gin.Context, err error) {
	defer c.Abort()
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		return // they left; there is nobody to tell
	}
	p := told(err)
	p.Type, p.Title, p.RequestID = "about:blank", http.StatusText(p.Status), requestID(c)
	var told *refusal // has been logged where its cause was known
	if p.Status >= http.StatusInternalServerError && !errors.As(err, &told) {
		d.log.ErrorContext(c.Request.Context(), "request failed", "request_id", p.RequestID,
			"method", c.Request.Method, "path", c.FullPath(), "status", p.Status, "error", err)
	}
	if c.Writer.Written() {
		return
	}
	hint(c, err)
	c.Header("Content-Type", "application/problem+json")
	c.Status(p.Status)
	if err := json.NewEncoder(c.Writer).Encode(p); err != nil {
		d.log.DebugContext(c.Request.Context(), "problem could not be written", "error", err)
	}
}

// told is an error as it may be told to strangers: what they can act on, or
// nothing but the request's ID when the cause is ours.
func told(err error) problem {
	var r *refusal
	var nobodyKnown *auth.Unauthenticated
	var fault *broadcast.Fault
	e := broadcast.AsError(err)
	switch {
	case errors.As(err, &r):
		return problem{Status: r.status, Code: r.code, Detail: r.detail}
	case errors.As(err, &nobodyKnown):
		return problem{Status: http.StatusUnauthorized, Code: "unauthenticated", Detail: nobodyKnown.Message}
	case e != nil && e.Code.HTTPStatus() < http.StatusInternalServerError:
		return problem{Status: e.Code.HTTPStatus(), Code: string(e.Code), Detail: words(err, e), Errors: fieldsOf(err)}
	case errors.As(err, &fault) && fault.Class != broadcast.Permanent:
		return problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "Microsoft is not answering right now. Nothing was changed; try again in a minute."}
	}
	return problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "Something went wrong on our side. Try again; if it keeps happening, tell your IT admin the request_id."}
}

// words are those for people alone: what was wrapped around them says where it happened.
func words(err error, e *broadcast.Error) string {
	var many broadcast.Problems
	if errors.As(err, &many) {
		return many.Error()
	}
	return e.Message
}

// hint sets the headers that go with some problems.
func hint(c *gin.Context, err error) {
	var nobodyKnown *auth.Unauthenticated
	if errors.As(err, &nobodyKnown) {
		challenge := `Bearer realm="Fanfare"`
		if !nobodyKnown.Missing { // RFC 6750, section 3.1: no error code without credentials
			challenge += `, error="invalid_token"`
		}
		c.Header("WWW-Authenticate", challenge)
	}
	var fault *broadcast.Fault
	if errors.As(err, &fault) && fault.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(fault.RetryAfter.Seconds())+1))
	}
}

// ourFields are the names of fields that the contract calls otherwise.
var ourFields = map[string]string{"image_url": "image.url", "image_alt": "image.alt"}

// fieldsOf is every wrong field inside err.
func fieldsOf(err error) []fieldProblem {
	var many broadcast.Problems
	if !errors.As(err, &many) {
		e := broadcast.AsError(err)
		if e == nil || e.Field == "" {
			return nil
		}
		many = broadcast.Problems{e}
	}
	out := make([]fieldProblem, len(many))
	for i, e := range many {
		out[i] = fieldProblem{e.Field, e.Message}
		if name, ok := ourFields[e.Field]; ok {
			out[i].Field = name
		}
	}
	return out
}
