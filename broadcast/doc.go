// Package broadcast is the house itself: what Fanfare is, in the words of the
// glossary, with nothing of databases, HTTP or Microsoft in it.
//
//	draft ─submit► in_review ─approve► approved ─send► resolving ─► sending ─► sent
//
// The nouns (Broadcast, Message, Audience, Recipient, Delivery, Installation,
// Actor) stand in files of their own name. The state machine is the table in
// state.go: rule, buttons, database CHECK and audit trail are all read from it.
// Service holds the use-cases both doors call. The work itself (package fanout) is
// functions over the ledger (package store), the only truth.
package broadcast
