// Package local is the engine of one process: the work of an installation on the
// embedded database, where there are no other replicas to agree with.
//
//	Enqueue ──► lane (waits, once each) ──► hands (never two on equal work) ──► Do
//
// Waiting work lives in memory and is gone with the process; the sweep that comes
// round at start finds it again in the ledger. Unlike River, a wake-up for work that
// is being done right now is kept and leads to another run.
package local
