package census

import "github.com/fanfare/fanfare/store/db"

// Census is the memory of people and installations.
type Census struct{ db *db.DB }

// New makes it on a database.
func New(d *db.DB) Census { return Census{d} }
