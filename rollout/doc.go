// Package rollout brings the app to an organisation, ring by ring.
//
//	admin ──Start, Advance──► ring waiting → open ──quiet, and watched──► done ──► the next one
//	                            ▲               │ too many failed
//	                            └──── Start ── held: everything is paused
//
//	sync ──Refresh──► who is in an opened ring by now ──► ring_people ──► installations wanted
//	sweep ──Tick────► fills rings, counts (seldom where that is dear), judges, keeps a sample
//
// A ring is an audience with a place in the order. Whoever is in several is in the
// first of them; who is in none is in the last, which is everyone, so that rings add up
// to everybody who can have the app. Somebody whose ring was opened stays in it, whatever
// becomes of the group. Without any ring there is the last one only.
//
// Opening fails closed: a ring with a part that cannot be read stays shut. What opened
// rings want is read anew after every sync, and a part that cannot be read then keeps
// newcomers waiting, nobody else.
//
// Every move is stored by compare-and-set on the ring's state with its line of the
// audit, so that two admins or two replicas cannot both make it.
package rollout
