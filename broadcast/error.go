package broadcast

import (
	"errors"
	"fmt"
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
	switch c {
	case Invalid:
		return 422
	case NotFound:
		return 404
	case Conflict:
		return 409
	case Forbidden:
		return 403
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
