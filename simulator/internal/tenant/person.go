package tenant

import (
	"strconv"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// Person is somebody in the directory, computed from the number.
type Person struct {
	Number                           int
	GivenName, Surname, Name         string
	UPN, EntraID                     string
	Department, Title                string
	Office, City, Country            string
	UsageLocation, PreferredLanguage string
	UserType                         string // as the directory was changed; "" for what the kind says
	Manager                          int    // number of whom they report to; 0 for nobody
	Roles                            []string
	Kind                             dials.Kind
	Enabled                          bool
}

// Domain is the invented domain of the organisation.
const Domain = "contoso.example"

var standard = []struct{ given, surname, role string }{
	{"Ada", "Author", "Broadcast.Author"},
	{"Ben", "Approver", "Broadcast.Approver"},
	{"Cora", "Admin", "Broadcast.Admin"},
	{"Dan", "Auditor", "Broadcast.Auditor"},
}

// Standard is how many people carry an app role; they are the first numbers.
func Standard() int { return len(standard) }

// Compute returns person n with that kind of misfortune, before any change of
// the directory.
func Compute(n int, kind dials.Kind) Person {
	h := dials.Mix(7, uint64(n))
	office := offices[n%len(offices)]
	p := Person{
		Number: n, EntraID: EntraID(n), Kind: kind, Enabled: kind != dials.Disabled,
		GivenName: firstNames[h%uint64(len(firstNames))], Surname: lastNames[(h>>16)%uint64(len(lastNames))],
		Department: departments[n%len(departments)], Title: titles[(h>>32)%uint64(len(titles))],
		Office: office.name, City: office.city, Country: office.country,
		UsageLocation: office.usage, PreferredLanguage: office.language,
	}
	if n <= len(standard) {
		s := standard[n-1]
		p.GivenName, p.Surname, p.Roles = s.given, s.surname, []string{s.role}
	}
	if isDirector(n) {
		p.Title = "Director"
	}
	p.Name = p.GivenName + " " + p.Surname
	p.Manager = manager(n, kind)
	p.UPN = upn(p, n, kind)
	return p
}

// manager is a tree in which eight report to each; guests and some others report
// to nobody.
func manager(n int, kind dials.Kind) int {
	if n == 1 || n%1009 == 0 || kind == dials.Guest {
		return 0
	}
	return (n + 6) / 8
}

func upn(p Person, n int, kind dials.Kind) string {
	name := ascii.Replace(strings.ToLower(p.GivenName + "." + p.Surname))
	switch {
	case n <= len(standard):
		return name + "@" + Domain
	case kind == dials.Guest:
		return name + "." + strconv.Itoa(n) + "_partner.example#EXT#@" + Domain
	default:
		return name + "." + strconv.Itoa(n) + "@" + Domain
	}
}

var ascii = strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "ø", "o", "ü", "u", "ë", "e", "é", "e",
	"á", "a", "í", "i", "ó", "o", "ł", "l", "'", "", "ç", "c")

// KindName is the word of a person's account in the recipient's window.
func (p Person) KindName() string {
	switch p.Kind {
	case dials.Guest:
		return "guest"
	case dials.Disabled:
		return "disabled"
	case dials.Unlicensed:
		return "unlicensed"
	default:
		if !p.Enabled {
			return "disabled"
		}
		return "member"
	}
}
