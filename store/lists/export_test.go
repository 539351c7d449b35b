package lists

// Tables are the row types, for the test that compares them with the migrations.
func Tables() []any { return []any{listRow{}, rowRow{}, savedRow{}} }

// LookUpStatement is the statement whose plan a test looks at.
func (s Lists) LookUpStatement() string { return s.lookUp() }
