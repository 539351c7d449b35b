// Package dials holds everything about the painted world that can be turned
// while it runs: limits, probabilities, misfortunes of named people, faults.
//
// A reader takes one immutable [Snapshot] per request, so that a fan-out at ten
// thousand requests a second never waits for somebody turning a dial.
package dials
