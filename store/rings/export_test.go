package rings

// Tables are the row types, for the law that they equal the migrated columns.
func Tables() []any {
	return []any{rolloutRow{}, moveRow{}, ringRow{}, personRow{}, sampleRow{}}
}
