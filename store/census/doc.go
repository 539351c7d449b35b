// Package census is what the ledger knows of people and of the bot's installations
// as a whole: the directory as it was read, the words people are found by, the
// head-count before sending, and whom the bot is to be installed for.
//
//	directory ─SavePeople/EndRound──► people ────────┬─► Reach
//	rings ─ a rollout, or a list ────► installations ┤   (StartState, StartReason)
//	graphinstall ─TakeInstallations──► installations └─► Installations
//
// What becomes of one person's installation is package store's, because it moves
// deliveries in the same transaction: BotAdded, BotGone, RecordInstallations. So
// nothing here touches a delivery, a chunk or a tally.
package census
