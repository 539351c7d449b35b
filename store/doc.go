// Package store is what Fanfare remembers: one ledger on PostgreSQL or on the
// embedded SQLite, behind the ports its callers declare (house section 9).
//
//	directory ─census.SavePeople──► people ────────────────────┐
//	graphinstall ─census.TakeInstallations──► installations ───┤
//	graphinstall ─RecordInstallations──► installations ────────┤ roll.List
//	api ─places.Hear──► places, accounts, rosters
//	upkeep ─upkeep.TakePeople, RecordLooks──► passes, installations
//	join ─join.TakeTeam, RecordTeam──► joins
//	api ─doors.SaveActivity──► inbox, BotAdded ────────────────┤ (census.StartState)
//	broadcast ─Create/Change──► broadcasts                     ▼
//	fanout ─TakeNext/RecordOutcomes──► chunks, deliveries, tallies
//
// Rooms never call each other; they meet here. So everything that has to be true
// together is stored together, in one transaction, with the work that follows
// from it handed to the engine inside that transaction (HandOutInTx, PostgreSQL)
// or right after it (HandOutAfterCommit).
//
// The rules every method keeps:
//
//   - A tally always equals a GROUP BY over its deliveries.
//   - A broadcast moves by compare-and-set on state and revision; nothing is read,
//     changed and written back without one.
//   - Who changes a ready delivery, or a chunk's next_at, holds that chunk's row
//     lock and has taken it before any other row lock but a broadcast's. A pending
//     delivery may be skipped or cancelled without. What becomes ready in a chunk
//     that somebody holds is due from that moment on, not before, and brings the
//     chunk's next_at forward: so it is told from what they may have begun, and
//     found when they give the chunk back (doubt, releaseTo).
//   - Whoever puts people on a list has its turn alone (roll.Open), and looks once
//     more, while nobody writes addresses (turnRoll), at those who are to wait: so
//     that no delivery waits for an address that is already there.
//   - late_count grows without a revision; all else in a broadcast's row has one.
//
// A Store is the handle of one tenant; tenant_id leads every key. One code path
// serves both databases: package db has the few words in which they differ.
// Statements run for thousands of people at a time are hand-written, with their
// price in a comment. Package census is people and installations as a whole, package
// roll how lists of recipients are written, package recipients how they are read, package doors what the doors remember
// beside the ledger.
package store
