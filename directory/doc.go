// Package directory is who is in an audience: everyone, or the members of some
// groups. It keeps the stored directory up to date by delta query and answers
// from it.
//
//	Graph /users/delta ──► Sync ──► People (store): page and cursor together
//	Graph /groups/{id}/transitiveMembers ──► Members ──► recipients, each once
//
// A sync may be killed anywhere: the cursor is stored with the people it has
// passed, so it goes on where it was. A link Graph no longer knows begins a full
// read, at whose end people nobody mentioned are gone (protocol G.1).
//
// Groups are read when a broadcast is resolved, not stored: a stored membership
// would be wrong at the one moment it matters. They fail closed: nobody is
// yielded before every group was read to its end.
package directory
