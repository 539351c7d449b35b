// Package fanout is the work itself: how an approved broadcast becomes a frozen
// list, how the list is sent, and how what was forgotten is found again.
//
//	Resolver   audience ─► deliveries, chunk by chunk
//	Sender     chunk ─ Budget ─► Teams ─► outcomes, in batches, under a fence
//	Sweeper    every second: what is due, what has nobody, what is finished
//
// Each is a function over the ledger that may be killed, lost or run twice
// without harm. Hands is the table an engine calls them through. The rules (who
// may move a broadcast, and where to) stay in package broadcast; this room only
// asks it to make the engine's moves.
//
// It imports broadcast and workerpool. House section 10 is why it stands beside
// broadcast and not in it: together they outgrew one room.
package fanout
