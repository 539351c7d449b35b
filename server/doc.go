// Package server is the fuse box: it reads the configuration, puts the rooms
// together and runs them until told to stop.
//
//	Main ─► Config (environment) ─► New (rooms, joined by the store only) ─► Run
//
// It is the only room that knows all the others. There is no fake mode here or
// anywhere: tests, demo and benchmarks configure other addresses and a CA file.
package server
