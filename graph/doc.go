// Package graph is how Fanfare speaks to Microsoft Graph: the wall around
// msgraph-sdk-go. It builds the SDK's adapter with everything silent switched
// off (retries, compression, redirects, calls to hosts nobody listed), and turns
// every answer into either data or a *broadcast.Fault.
//
//	directory, graphinstall ──► Client.Do / Get ──► SDK adapter ──► wall (RoundTripper) ──► Graph
//	                                  ▲                                │ status, Retry-After, error
//	                                  └───────────── fault.go ◄────────┘ noted in the call's context
//
// What the SDK reports of a failure cannot be relied on (an HTML 503 loses its
// status, an error without an error object panics when printed, protocol G.5),
// so the wall notes what was really answered and fault.go reads the notes.
//
// The SDK's root package is never imported: it takes an hour to compile. This
// package itself needs only the SDK's core; the generated builders are compiled
// by graphinstall alone.
package graph
