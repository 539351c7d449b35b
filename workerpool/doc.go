// Package workerpool claims jobs, does them with a bounded number of workers and
// records the results in batches. It knows no nouns: what a job is, is its
// caller's affair.
//
//	Claim ──► dispatcher ──► jobs ──► worker ─ Limiter ─ Do ──► results ──► recorder ──► Record
//	           (one)                  (Workers of them)                      (one)
//
// It carries little, finishes what it has begun and writes it down on the way
// out: stopping means to stop claiming first, then to let the workers finish
// under a context that is not cancelled, then to record the last batch, then to
// return. Who is in no hurry stops it by Enough instead: then what was begun is
// finished, however long it takes. Nothing outlives Run, so whoever calls it owns everything it starts.
//
// It imports the standard library only (house law 1).
package workerpool
