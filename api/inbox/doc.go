// Package inbox handles what Teams posted and the door has stored: each conversation
// in its order, several at the same time, again after trouble, until it is done.
//
//	POST /api/messages ► stored ─Poke─► taken ► lanes ─► broadcast.Service, places.Service
package inbox
