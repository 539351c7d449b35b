// Package audience is who is meant by a broadcast, unresolved: parts that are
// included and parts that are left out.
//
//	everyone ── except ── the members of “Works Council”
//	Sales (group) + Department is Marketing + Ada ── except ── guests.csv
//	everyone + Channel Ops › General
//
// A person several parts mean counts once; who is left out by any part is left out.
// Which people that are, is said by the ledger (package store/census) and the
// directory, at Send. A channel is no person's and stands beside them: it gets one post,
// which begins a thread, and nobody is left out of it.
package audience
