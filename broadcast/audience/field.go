package audience

// Field is something the directory says of people.
type Field string

// The fields an Attribute can go by; their names are the API's and the ledger's
// columns.
const (
	Department Field = "department"
	Country    Field = "country"
	Office     Field = "office"
	JobTitle   Field = "job_title"
	Language   Field = "language"
)

// Fields is every field, in the order they are shown.
func Fields() []Field { return []Field{Department, Country, Office, JobTitle, Language} }

// Words is the field as people read it.
func (f Field) Words() string {
	switch f {
	case Department:
		return "Department"
	case Country:
		return "Country"
	case Office:
		return "Office"
	case JobTitle:
		return "Job title"
	case Language:
		return "Language"
	}
	return string(f)
}

// Value is one value of a field and how many people have it. Spellings that differ
// in case or outer space only are one.
type Value struct {
	Value string
	Count int
}
