// Package connector is the painted Bot Connector of Teams: conversations,
// messages, members and teams, with the real limits and both shapes of error
// (protocol C and E; section K rows 22–33).
package connector
