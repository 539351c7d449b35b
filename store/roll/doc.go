// Package roll writes the list of a broadcast's recipients: chunks of deliveries,
// a page of people per statement.
//
//	groups, rings ─AddPeople──┐
//	everyone ─AddEveryone─────┤                       ┌─► deliveries (StartState)
//	first wave ─AddCanary─────┼─► add ── recheck ─────┼─► chunks
//	correction, recall ─AddPass                       └─► the tally (List.Count)
//	late joiners ─AddLate─────┤
//	channels ─AddChannels─────┘
//
// Whatever the source, people on the list already stay as they are (unique:
// broadcast and person), so a list that was begun and not finished is simply begun
// anew. One writer at a time writes a list; it and whoever stores addresses meet
// only for a moment at the end of a page (recheck), so that a page may be long.
//
// What becomes of a delivery afterwards is package store's.
package roll
