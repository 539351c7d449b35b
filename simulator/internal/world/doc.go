// Package world is what all parts of the painted Microsoft share: the tenant,
// the dials, the meter, the keys, the addresses, and the few habits every
// answer follows (counting, latency, injected faults, error bodies, tokens).
package world
