// Package workerpool claims, does and records with a bounded number of workers.
// It knows no nouns: what a job is, is its caller's affair.
package workerpool
