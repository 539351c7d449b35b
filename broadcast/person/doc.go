// Package person is what Fanfare knows of people from the directory, and what a
// round of reading it says of them: the nouns the directory and the ledger share.
package person
