// Package places is what the ledger remembers of places (package places): teams,
// channels and group chats, how Teams calls people there, who is in a team, and how far
// each roster has been read. It shares installations with the rest of the store, and
// adds to them only how a person is addressed, never that they can be.
package places
