package tenant

import "fmt"

// Group is a group of the directory. Membership is arithmetic on the number.
type Group struct {
	ID, Name, Description, Mail string
	Dynamic, Hidden, Team       bool
	// Contains lists directly contained groups, by index.
	Contains []int
	direct   func(n int) bool
}

func department(i int) func(int) bool { return func(n int) bool { return n%len(departments) == i } }
func located(i int) func(int) bool    { return func(n int) bool { return n%len(offices) == i } }
func isDirector(n int) bool           { return n > 20 && n%97 == 0 }
func nobody(int) bool                 { return false }

// Groups are the tenant's groups; the index is the identity.
var Groups = func() []Group {
	groups := []Group{
		{Name: "All Company", Description: "Everybody at Contoso", Dynamic: true, direct: func(int) bool { return true }},
		{Name: "Sales", Description: "All sales people", Dynamic: true, direct: department(0)},
		{Name: "Engineering", Description: "All engineers", Dynamic: true, direct: department(1)},
		{Name: "Berlin Office", Description: "People of the Berlin office", Team: true, direct: located(0)},
		{Name: "Leadership", Description: "Leadership, with the directors", Contains: []int{5}, direct: func(n int) bool { return n > 20 && n%499 == 0 }},
		{Name: "Directors", Description: "All directors", direct: isDirector},
		{Name: "Works Council", Description: "Membership is hidden", Hidden: true, direct: func(n int) bool { return n%53 == 0 }},
		{Name: "Empty", Description: "A group without members", direct: nobody},
		{Name: "Marketing", Description: "Marketing, Europe", direct: func(n int) bool { return n%12 == 2 && n%7 != 2 }},
		{Name: "Marketing", Description: "Marketing, America", direct: func(n int) bool { return n%12 == 2 && n%7 == 2 }},
		{Name: "Café & Küche, O'Hare", Description: "A name with everything in it", direct: func(n int) bool { return n%31 == 0 }},
		{Name: "Newsroom", Description: "The pilot group", Team: true, direct: func(n int) bool { return n <= 10 }},
		{Name: "Tokyo Office", Description: "People of the Tokyo office", direct: located(5)},
	}
	for i := range groups {
		groups[i].ID = fmt.Sprintf("60000000-0000-4000-8000-%012x", i+1)
		groups[i].Mail = fmt.Sprintf("group%d@%s", i+1, Domain)
	}
	return groups
}()

// GroupByID returns a group's index.
func GroupByID(id string) (int, bool) {
	for i := range Groups {
		if Groups[i].ID == id {
			return i, true
		}
	}
	return 0, false
}

// Member tells whether person n is in a group, transitively or directly.
func Member(group, n int, transitive bool) bool {
	g := &Groups[group]
	if g.direct(n) {
		return true
	}
	if transitive {
		for _, inner := range g.Contains {
			if Member(inner, n, true) {
				return true
			}
		}
	}
	return false
}
