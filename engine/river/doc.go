// Package river is the engine of many replicas: River on the PostgreSQL that holds
// the ledger, so that work is handed out in the very transaction that writes it.
//
//	ledger's transaction ──EnqueueTx──► river_job ◄──┐ take, one queue per kind
//	leader: periodic work, rescue ──────────┘        └─ replica 1, 2, 3 … ──► Do
//
// One job per piece of work (a chunk, never a person): {kind, broadcast, chunk}.
//
// Unique. Equal work is inserted once while it waits or runs; River cannot leave
// the running ones out. So a wake-up that comes while the same work runs may be
// dropped: allowed, because the sweep asks the ledger again a second later. The
// sweep itself is unique per ten seconds only, so that a sweep that died with its
// replica cannot hold up all the others until its rescue.
//
// Rescue. River rescues by how long a job has run, which for work of minutes would
// mean waiting for minutes. Here a job in hand is touched every few seconds
// (river_job.attempted_at, one row updated in place), and River is told to rescue
// what was silent for Options.Silence, 15 s. River's rescuer looks every 30 s, or
// when a new leader takes over after 15 s: what a killed replica had in hand is
// taken up within 46 s, whatever its kind. A replica that merely froze wakes to
// find its chunk under another's fence.
//
// Failure. Errors and panics are logged by us and end the job at once: the sweep
// finds what is left, a retry of River's would only be a second opinion. Finished
// jobs are forgotten after minutes. A rescued job is tried again by River itself.
//
// Stop. When Run's context ends, no more jobs are fetched, each Do sees the end and
// winds down; what it returns with an error goes back to waiting, for another
// replica to take at once.
package river
