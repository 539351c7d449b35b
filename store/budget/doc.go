// Package budget is the tenant-wide allowance of requests, one row per family of
// calls, shared by all replicas.
//
//	now        next_at                     the database's clock
//	─┼──┬──┬──┬──┼╌╌╌╌╌╌╌╌╌►
//	    slots replicas have leased          a lease takes the next n, Gap apart
//
// A replica that leases late leases from now on: what nobody took is gone, so that
// no quiet minute is followed by a burst that Microsoft would answer with 429.
package budget
