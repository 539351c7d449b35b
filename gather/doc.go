// Package gather reads who is in the parts of an audience into the ledger, each part
// as a set of people that never changes once it is there.
//
//	group ──Members──► Graph ────────┐
//	attribute, person, reports, list ┼─► a new set ──Keep──► what its owner goes by
//	                     (the ledger)┘
//	channel ──► package places: can the bot post there? A set of the channel alone.
//
// At Send a broadcast owns its sets: whatever becomes of a group later, its list is
// frozen. Head-counts share theirs for some minutes. It fails closed: a set that was
// not read to its end is kept for nobody.
package gather
