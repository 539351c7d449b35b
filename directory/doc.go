// Package directory reads people and groups from Graph. It keeps the stored directory
// up to date by delta query, finds groups, and reads who is in them.
//
//	Graph /users/delta ──► Sync ──► People (store): page and cursor together
//	Graph /groups/{id}/transitiveMembers ──► Members ──► package gather
//
// A sync may be killed anywhere: the cursor is stored with the people it has
// passed, so it goes on where it was. A link Graph no longer knows begins a full
// read, at whose end people nobody mentioned are gone (protocol G.1).
package directory
