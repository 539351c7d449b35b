// Package lists is what the ledger remembers of uploaded lists of people and of
// audiences kept under a name. Who is on a list as a part of an audience is read by
// package census.
package lists
