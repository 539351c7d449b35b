// Package shape is how a broadcast's message and plan are stored: JSON with names of
// its own, because a field renamed in package broadcast must not lose what is stored.
// (The audience's shape is package census's, whose statements look into it.)
package shape
