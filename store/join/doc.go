// Package join is what the ledger remembers of the app for teams (package join): which
// teams an admin wants it in, and how far each is.
package join
