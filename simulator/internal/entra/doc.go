// Package entra is the painted Microsoft Entra ID, and the Bot Framework's
// published keys next to it: discovery, tokens for applications, sign-in with
// authorization code and PKCE, sign-out (protocol A, B.1, H.1).
package entra
