// Package graphapi is the painted Microsoft Graph v1.0, as far as a broadcast
// app needs it: the directory (users by delta, groups, transitive members),
// the app catalogue, installations for people and teams, and $batch
// (protocol F and G; section K rows 12–21).
package graphapi
