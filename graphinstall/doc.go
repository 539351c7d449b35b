// Package graphinstall keeps wanted installations satisfied: it asks Graph to put
// our app into people's Teams and records what became of it.
//
//	Queue (store) ─ wanted, due ─► Installer ─ Limiter ─► Graph: POST installedApps
//	                                   │                    201 ► installed; an event brings the address
//	                                   │                    409 ► installed already: read the chat now
//	                                   │                    no  ► refused, or wanted again later
//	               ─ no event came ──► ├─ Open, if their account is known ► address (protocol C.1)
//	                                   └─ GET installedApps, chat ► address (protocol F.4, F.5, C.7)
//	               ◄─ outcomes, in batches, under the fence they were taken with
//
// An answer that concerns everybody (no such app in the catalogue, an app that
// is not ours to manage, refused credentials) halts the work and spares
// everybody's attempts: a mistake in the configuration must not turn a hundred
// thousand people into refused ones.
package graphinstall
