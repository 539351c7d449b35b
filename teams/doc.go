// Package teams is the window on Teams: how we speak Bot Framework. It knows
// nothing of broadcasts' lives, databases or people's roles; it turns a Message
// into bytes, brings bytes to a conversation, and tells whether an activity that
// knocks is really from Microsoft.
//
//	broadcast.Message ──Composer──► Payload ──Client──► Bot Connector ──► a person's chat
//	                                            │
//	                 TokenSource, HostList ─────┘   answers ──fault.go──► *broadcast.Fault
//
//	Bot Connector ──POST──► api ──Verifier.CheckToken──► ParseActivity ──Token.CheckActivity──► believed
//
// Composer (composer.go, room teams/card) builds one Adaptive Card per broadcast; a
// million sends reuse its bytes. Client (client.go, call.go) implements
// broadcast.Messenger and attaches our token only to hosts on the exact list of
// hosts.go. Its calls go over a Wire (wire.go, line.go), which keeps HTTP/1.1
// connections and costs half of net/http; where a proxy stands in between, or where
// no Wire is given, they go over net/http. Both ways keep the same promises. All knowledge of Microsoft's moods is the one table in
// fault.go. Verifier (verifier.go, keys.go) makes every check of protocol B.3,
// stricter than Microsoft's own validators where those differ.
//
// It imports broadcast, the standard library, golang-jwt and the token types of the
// Azure SDK; teams/card imports goldmark and nothing of ours.
package teams
