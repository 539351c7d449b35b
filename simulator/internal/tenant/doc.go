// Package tenant is the painted organisation: its people, groups and teams,
// what is installed for whom, and every chat with its messages.
//
// People are computed from their number, so that a million of them cost nothing
// until somebody is touched; only then a few hundred bytes are kept, in shards
// with short locks. Messages point at the parsed activity, which is shared by
// all who received the same bytes.
package tenant
