// Package rings is what the ledger remembers of the rollout: what was decided, the
// rings and who is in which, how far everything is and was.
//
//	SetRollout, MoveRing ──► rollouts, rings, rollout_moves   (compare-and-set)
//	FillRings, page by page ─► ring_people ─► installations wanted
//	people ⟕ installations ⟕ ring_people ──► Rollout, CountWaiting, CountBy ──► rollout_samples
//
// Whom a ring's audience means is package census's to say, and what becomes of an
// installation once it is wanted package store's.
package rings
