// Package migrations holds the reviewed SQL that builds what the store
// remembers, in twin folders: the same files, tables and columns in the dialect
// of each database. It only embeds them; package store applies them (house
// section 9). A file that has been released is never edited: a further one
// follows it.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres is the SQL for PostgreSQL, 12 or newer.
func Postgres() fs.FS { return folder("postgres") }

// SQLite is the SQL for the embedded database.
func SQLite() fs.FS { return folder("sqlite") }

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		return files // cannot happen: fs.Sub fails only on an invalid name
	}
	return sub
}
