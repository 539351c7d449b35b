package broadcast

import (
	"errors"
	"fmt"
	"time"
)

// Code says which kind of mistake an Error is; both doors map it to a status.
type Code string

// The codes an Error can carry. Anything that is not an *Error is internal: its
// text goes to the log and never to people.
const (
	Invalid   Code = "invalid"
	NotFound  Code = "not_found"
	Conflict  Code = "conflict"
	Forbidden Code = "forbidden"
)

// HTTPStatus is the one table from codes to what both doors answer with; what is
// no code of ours is 500.
func (c Code) HTTPStatus() int {
	if status, ok := map[Code]int{Invalid: 422, NotFound: 404, Conflict: 409, Forbidden: 403}[c]; ok {
		return status
	}
	return 500
}

// Error is a mistake told to a person: a sentence that says what happened and
// what to do. Field names the input that is wrong, if one is.
type Error struct {
	Code    Code
	Field   string
	Message string
}

func (e *Error) Error() string { return e.Message }

// Problems is several mistakes told at once, so that nobody mends them one by one.
type Problems []*Error

func (p Problems) Error() string {
	if len(p) == 0 {
		return "no problem"
	}
	if len(p) == 1 {
		return p[0].Message
	}
	return fmt.Sprintf("%s (and %d more)", p[0].Message, len(p)-1)
}

// Unwrap lets errors.As find each single Error.
func (p Problems) Unwrap() []error {
	out := make([]error, len(p))
	for i, e := range p {
		out[i] = e
	}
	return out
}

// AsError is the first *Error inside err, or nil if err is internal.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// IsCode tells whether err carries an Error of that code.
func IsCode(err error, c Code) bool {
	e := AsError(err)
	return e != nil && e.Code == c
}

// Errorf makes an Error without a field.
func Errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// AsMessage is what people may read of err: its own words if it is an *Error, a
// general sentence otherwise.
func AsMessage(err error) string {
	if e := AsError(err); e != nil {
		return e.Message
	}
	return "Something went wrong on our side. It is in the log; please try again."
}

// FaultClass says whether trying again can help.
type FaultClass string

// Permanent: the same call fails again. Transient: later may be better.
// Throttled: the call was right but too early; it does not count as an attempt.
const (
	Permanent FaultClass = "permanent"
	Transient FaultClass = "transient"
	Throttled FaultClass = "throttled"
)

// FaultScope says whom a fault concerns.
type FaultScope string

// A fault concerns one recipient, the whole broadcast, or the service: every
// call of this app in this tenant.
const (
	ScopeRecipient FaultScope = "recipient"
	ScopeBroadcast FaultScope = "broadcast"
	ScopeService   FaultScope = "service"
)

// Fault is a failed call to Microsoft, classified. The engine looks at Class,
// Scope and Reason only; all knowledge of wire answers sits in teams/fault.go
// and graph/fault.go.
type Fault struct {
	Class  FaultClass
	Scope  FaultScope
	Reason Reason // what to tell people; empty where the code says it all
	Status int    // HTTP status; 0 for a network error
	Code   string // Microsoft's error code, or ours for a network error
	Detail string // Microsoft's own words, shortened; for the log and the recipient's row
	// RetryAfter is the pause Microsoft asked for; 0 when it named none.
	RetryAfter time.Duration
	MaybeSent  bool // the message may have been stored although the call failed (protocol C.3)
	NoAddress  bool // the conversation is unknown: forget it and create it anew, once
	Careful    bool // one more try at most: Microsoft advises against retrying this (protocol E.3, 500)
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s fault (%s scope): status %d, code %q: %s", f.Class, f.Scope, f.Status, f.Code, f.Detail)
}

// AsFault is the *Fault inside err. An error that is none counts as transient
// and the recipient's, which may have been sent: the careful guess.
func AsFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Class: Transient, Scope: ScopeRecipient, Code: "unclassified", Detail: err.Error(), MaybeSent: true}
}
