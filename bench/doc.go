// Package bench measures Fanfare: the product as a real process beside the loops
// and peers of the field, in one interleaved run, on one machine.
//
//	harness ──starts──► sink        the Bot Connector's place: parses, answers 201, counts
//	        ──starts──► simulator   Entra and Graph for the product
//	        ──starts──► contender   a loop, or River with a job per person     ─┐ in turns,
//	        ──starts──► fanfare     serve, on a database full of known people  ─┘ A B A B …
//
// Everything is loopback, bounded, and a process of its own (this test binary,
// started again in another role), so that CPU and memory are each one's own and
// come from the operating system. A run in which one message was lost, doubled or
// refused is no measurement but a failure. What is measured, and what counts as
// good, is the project's measure.md; figures of one machine mean little, ratios
// within one run are what to look at.
//
//	make bench                   everything, for an hour or two
//	make bench BENCH=Fanout      one part: Fanout, Curve, Resolve, Budget, Limit, Old, Sync, Preview
//	                             or Rollout
//
// Settings, from the environment:
//
//	FANFARE_BENCH_PEOPLE    how many get it (Fanout, Old, Sync, Preview, Rollout: 100,000; Resolve: 1,000,000)
//	FANFARE_BENCH_ROUNDS    how often each takes its turn (Fanout, Old: 6; Resolve: 3; Curve, Sync, Rollout: 1)
//	FANFARE_BENCH_MOST      the largest of Curve's sizes (1,000,000)
//	FANFARE_BENCH_MINUTES   how long Limit sends with each number of replicas (1)
//	FANFARE_BENCH_RATE      Limit's budget, requests/s (the product's default)
//	FANFARE_BENCH_OLD       millions of old deliveries for Old (0: not measured), half a GB each
//	FANFARE_BENCH_MICROSOFT 1 to install at Microsoft's figures (Rollout): 68 minutes for 100,000
//	FANFARE_BENCH_PROFILE   a folder in which Fanfare and the contenders leave CPU profiles
//	FANFARE_TEST_POSTGRES   a PostgreSQL server instead of one started for the purpose
//
// Lines on standard output are in the format of Go's benchmarks, for benchstat.
// Medians and ratios are written to docs/performance.md, each part's to its own
// section.
package bench
