// Package api is the door where machines knock.
//
//	Teams         POST /api/messages     token ► body ► inbox, 200 at once; handled afterwards (RunInbox)
//	integrators   /api/v1/…              API key ► JSON ► one use-case ► JSON, or an RFC 9457 problem
//	operators     /healthz, /readyz      is the process up; can it work
//
// Every route stands in one table (routes.go) with who may use it; the zero value
// lets nobody in. What an actor may do is decided by broadcast.Service, the same
// for this door and for the pages. The JSON types here are the contract with
// integrators and change with care; the nouns of broadcast may change freely.
package api
