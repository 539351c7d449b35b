// Package who answers for any person of the tenant whether a message would reach
// them, why not, and what to do about it: "Why did Ada not get it?" in one page.
//
//	directory facts ─┐
//	installation ────┼─► Person ─► Outlook: one sentence about a message sent now
//	rollout, halt ───┘
//	installation_moves ─► Move        what became of the bot at them, newest first
//	deliveries ─────────► Receipt     every broadcast they were on, newest first
//
// It also says how fresh all that is: Freshness is how reading the directory goes,
// for the pages where somebody is about to rely on it.
package who
