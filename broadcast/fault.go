package broadcast

import (
	"errors"
	"fmt"
	"time"
)

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
