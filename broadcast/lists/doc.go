// Package lists is how people are named one by one: lists that somebody uploads or
// pastes, with what became of each row, and audiences kept under a name.
//
//	rows (UPN, mail or ID) ──► the ledger, some thousand at a time ──┐
//	        those it has not ──► Microsoft Graph, in batches ────────┤
//	                                                                 ▼
//	                            a list that never changes: people, and a report per row
//
// A list is a part of an audience (audience.List). A saved audience is none: choosing
// it copies its parts, so that what an approver approved never changes under them.
package lists
