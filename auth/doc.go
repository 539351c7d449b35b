// Package auth is the doorman: it says who is knocking, and nothing else.
//
//	a person:   /auth/start ──► Entra ──► /auth/callback ──► session ──► Web.Actor(c)
//	a machine:  Authorization: Bearer ff_… ──────────────────────────► Keys.Actor(ctx, header)
//
// Both ways end in a broadcast.Actor with roles; what an actor may do is decided
// in broadcast, never here. People come through Entra ID (authorization code,
// PKCE, state and nonce; protocol H.1) and are known by their directory object ID
// within our own tenant, never by a name or an e-mail address. Sessions live in
// the database, so that signing out means something on every replica.
package auth
