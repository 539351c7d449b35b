// Package engine is the hands of the house: who does which piece of work, when,
// and on which replica. It never knows what the work is for.
//
//	Service, Sweeper ──Enqueue──► lane ──► a few hands per lane ──► broadcast.Do
//	     periodic, once per period ─┘  ▲                               │
//	                                   └──────── there is more ────────┘
//
// A piece of work is a reference, never a truth (broadcast.Work): whoever does it
// reads the ledger first, and the sweep, itself periodic work, asks the ledger
// every second which unfinished pieces nobody has. So an engine may lose or double
// work; it may not stand still. Three promises follow, checked by package
// enginetest for every engine:
//
//   - Equal work that waits is not doubled, so a sweep may ask as often as it likes.
//   - Every kind has a lane and hands of its own, and sending one per priority: a
//     million people who wait never delay a sweep, a cancel or an urgent broadcast.
//   - Work that did its share and leaves more (broadcast.ErrMore) goes back behind
//     what waits in its lane, and the first seats of any broadcast come before the
//     further seats of another: broadcasts of one priority share its hands.
//   - What a killed replica had in hand is done by another within a minute.
//
// Two engines stand behind this room: engine/river for PostgreSQL and any number
// of replicas, engine/local for the embedded database and one process. This package
// holds what they share: Options, and Guard, which gives each piece of work its
// time and turns its errors and panics into log lines.
package engine
