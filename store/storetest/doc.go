// Package storetest gives anybody's test a fresh store: an empty, migrated
// database of its own, gone with the test.
//
//	st := storetest.New(t)                     // SQLite in a file
//	storetest.Each(t, func(t *testing.T, st *store.Store) { … })  // each database
//
// PostgreSQL is the server FANFARE_TEST_POSTGRES names (the DSN of somebody who
// may create databases), or else one started for this test process from the
// programs of an installed PostgreSQL. It ends with the process, however that
// ends. A machine without PostgreSQL fails the test: a suite that silently runs
// on one database promises nothing for the other.
package storetest
