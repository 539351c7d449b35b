// Package scopes is what the ledger remembers of whom authors may reach: each
// author's scope and the default, every change of one, and the broadcasts that admins
// stand for. Who the people of a scope are is package census's to say.
package scopes
