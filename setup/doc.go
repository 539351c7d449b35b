// Package setup knows what has to be right before a broadcast can reach anybody, looks
// whether it is, and says in sentences what is wrong and what to do about it.
//
//	fanfare doctor ─┐                    ┌─► public address, certificate, bot endpoint
//	Set-up page ────┼─► Desk: all checks ┼─► database, clocks
//	GET /api/setup ─┘   at once, each    ├─► Entra: credential, consent, sign-in
//	                    with its time    ├─► Graph: each permission by a harmless call
//	                                     └─► Teams: catalogue, token, keys, hosts
//
// A check only looks: it changes nothing, anywhere. What cannot be known from here is
// said to be so, and is no failure. Findings are read by people and printed by programs,
// so no secret and no token is ever part of one.
//
// The room speaks to Graph, Entra and the database through what its Options give it, so
// that the doors that show its findings compile nothing of Microsoft's.
package setup
