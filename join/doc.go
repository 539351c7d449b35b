// Package join is how the app comes into teams: an admin chooses them, and Fanfare has
// Graph install it there (protocol F.6).
//
//	Service ──Want──► Ledger: joins ──due──► Worker ─ Turn ─ Wire (graphinstall): POST /teams/{id}/installedApps
//	                              ◄── 201, 409: installed · no: refused, or later ──┘
//	Teams ──conversationUpdate──► package places: the team can be written to
//
// A team is known here by the group behind it, which is all Graph needs; how Teams calls
// it comes with the event. Whoever takes the app out of a team again is left alone: only
// an admin's click asks once more.
package join
