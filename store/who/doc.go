// Package who is what the ledger tells of people one by one: who somebody is, what
// became of our bot at them, and every broadcast they were on. It reads what others
// write: package census the directory, package store installations and deliveries,
// and the database itself the history (migrations 0011_facts.sql).
package who
