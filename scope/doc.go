// Package scope bounds whom an author may reach.
//
//	admin ──Set, Drop──► scopes (own, or the default) ──► Allows ◄── submit, schedule, send (broadcast.Guard)
//	                                                            ◄── the resolver, before the first is listed
//
// A scope is an audience. What an author means has to be among the people it means:
// counted person by person by the ledger, never by comparing parts, because two groups
// of different names may have the same members. A channel has to be named by the scope,
// itself or its team: who reads there is not for the author to count.
//
// Whose scope counts: the author's and the submitter's, so the narrower of both. The
// submitter proposes to reach these people; the author is asked too, so that nobody
// reaches further by handing a draft to a colleague who does not look. Who only
// approves or presses Send adds nothing to what was proposed, so is not asked. Admins
// are not bounded: an admin who submits, schedules or sends a broadcast vouches for
// it as it is, and that is kept (with its fingerprint, so that it ends with any change).
//
// Everything fails closed: a scope that cannot be read lets nobody be reached.
package scope
