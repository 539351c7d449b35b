// Package doors is what the doors remember in the ledger's database: the inbox of
// activities Teams posted (api), API keys and sign-in sessions (auth). It knows
// nothing of broadcasts on their way.
package doors
