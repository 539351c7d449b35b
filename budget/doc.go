// Package budget is how fast Fanfare may call Microsoft: one allowance per tenant
// and family of calls, kept in the ledger and shared by all replicas (house law:
// limits are per tenant, not per process).
//
//	Wait ─► flows, shared by weight ─┐
//	                                 ├─ Run ─► one request per slot
//	ledger ─► slots, some at a time ─┘
//
// A replica leases slots on the database's clock, a quarter of a second's worth at a
// time, and paces its requests on them by its own steady clock; who waits is served
// in weighted turns. A 429 stops every replica at once.
package budget
