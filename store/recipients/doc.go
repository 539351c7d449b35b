// Package recipients reads who is on a broadcast's list, people and channels, and what
// became of each: page by page, by state, by reason, by name. Package roll writes the
// list, package store what becomes of it.
package recipients
