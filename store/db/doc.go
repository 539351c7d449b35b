// Package db is the one database under the ledger, PostgreSQL or SQLite: how it
// is opened and migrated, how a transaction runs, and how work leaves it.
//
// Its callers, package store and its rooms, write one SQL for both databases.
// What differs is Words. Lists of rows go into a statement as one JSON parameter
// (List, Words.Rows), so that its text, and its plan, never changes.
package db
