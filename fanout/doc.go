// Package fanout is the work itself: how an approved broadcast becomes a frozen
// list, how the list is sent, and how what was forgotten is found again.
//
//	Resolver   audience ─► deliveries, page by page; the first are sent meanwhile
//	Sender     seat: chunk after chunk ─ Budget ─► Teams ─► outcomes, in batches,
//	           under a fence, never beyond the window that is stored as open
//	Sweeper    every second: what is due, what has nobody, what is finished
//
// Corrections and recalls go the same way as announcements; only what is done to
// the conversation differs. Each of these is a function over the ledger that may be
// killed, lost or run twice without harm. Hands is the table an engine calls them
// through. The rules (who may move a broadcast, and where to) stay in package
// broadcast; this room only asks it to make the engine's moves.
//
// It imports broadcast, budget and workerpool. House section 10 is why it stands beside
// broadcast and not in it: together they outgrew one room.
package fanout
