// Package welcome is the message everybody gets who gets the app for the first time:
// what this is, why they have it and who rolled it out, what to do next. An admin writes
// it like any message, in every language; somebody else approves it; from when it is put
// into use it goes to whoever comes, once each (package store, Store.Welcome), until a
// newer one takes its place or it is stopped.
//
//	Write ─► draft ─► review ─► approved ─Use─► in use ─(a newer one, or Stop)─► past
package welcome
