// Package simulator is Microsoft as one http.Handler: Entra ID, Microsoft Graph,
// the Bot Connector, and what a person sees of the bot in Teams. Whoever can
// only speak HTTP cannot tell it from the real thing; it imports nothing of ours.
//
//	          sign-in, tokens        install, directory        send, update
//	                 │                      │                       │
//	┌────────────────▼──────────────────────▼───────────────────────▼─────────┐
//	│  internal/entra            internal/graphapi          internal/connector│
//	│        └──────────── internal/world: tokens, faults ───────┘            │
//	│  internal/tenant: people, groups, chats    internal/dials, meter, keys  │
//	└───────┬──────────────────────────────────────────────▲──────────────────┘
//	        ▼ internal/bot: signed events                  │ /_simulator, /teams
//	   our bot's endpoint                             a recipient's window
//
// It is strict, so that passing means something: a bad token is 401, an unknown
// conversation 404, an oversized message 413, a request over the limit 429. What
// it must reproduce is protocol.md section K; whatever K calls a fault is a
// field of [Dials].
//
// It is cheap: people are computed from their number, and identical messages
// are kept once. It is deterministic: the seed decides who is unlucky.
package simulator
