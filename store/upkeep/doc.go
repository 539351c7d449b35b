// Package upkeep is what the ledger remembers of upkeep (package upkeep): passes over
// all installations and how far each has come, what was found at whom, which version
// of the app people have, and since when Fanfare has been there to hear from Teams.
//
// What a look changes of an installation moves deliveries too, so RecordLooks is
// package store's; its statements are here (Record).
package upkeep
