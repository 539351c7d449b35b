// Package upkeep keeps installations right after the fact: apps that are older than
// the catalogue's are upgraded, and where Graph and the ledger disagree, somebody is
// told or something is mended.
//
//	Service ──Begin──► Ledger: one pass at a time
//	                     │ people in the order of their IDs, some at a time, under a fence
//	engine ──Keeper.Work─┴► Wire (graphinstall): GET installedApps ──► judge
//	                     ◄── findings, and what the ledger has to know     │ older
//	                                                POST upgrade ◄─────────┘
//
// A pass survives everything: where it stands is in the ledger, any replica goes on,
// and whoever was looked at is not looked at again. It draws on the allowance of
// installing with the lowest claim, and never takes more than a share of it: installs
// that somebody waits for go first.
//
// An app that vanished without an event is the one hard question. A policy may have
// taken it, or the person, whose event got lost. To put it back against somebody's
// will breaks a promise; to leave it away leaves somebody without messages, which is
// seen, counted and mended with a click: so the first mistake is the worse. Fanfare
// puts an app back by itself only where the person's doing would have been heard: it
// was there to hear from the moment the app was last seen until now, and the person
// never removed it before. Even then it waits for as long as an event that is on its
// way may take. All others who lost it are counted, and put back when an admin says so.
package upkeep
