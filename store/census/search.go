package census

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// wordsOf splits texts into the words people search by.
func wordsOf(texts ...string) []string { return db.WordsOf(texts...) }

// searchOf is people.search: every word after a space.
func searchOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ")
}

// fewPeople is up to how many matches of a word are looked up one by one; with
// more, a page fills soon by reading in order and looking at each person.
const fewPeople = 5_000

// Narrow makes a statement find only people who have words beginning with each of
// the text's. It returns what to join, and the condition; alias is the table
// whose entra_id is the person, p must be joined as people. Price: with a rare word
// an index range of people_words and a look-up per match; with common ones only, a
// look at each row until the page is full. What it never does is read everybody
// for a word that nobody has.
func Narrow(t *db.Tx, alias, text string, a db.Args) (join, where string, err error) {
	words := wordsOf(text)
	if len(words) == 0 {
		return "", "", nil
	}
	a["word"] = slices.MaxFunc(words, func(x, y string) int { return len(x) - len(y) }) // the rarest, as a rule
	a["word_end"], a["few"] = a["word"].(string)+"\U0010FFFF", fewPeople+1
	var ids []broadcast.EntraID
	if _, err := t.Scan(&ids, `SELECT entra_id FROM people_words WHERE tenant_id = @tenant AND word >= @word AND word < @word_end LIMIT @few `, a); err != nil {
		return "", "", err
	}
	var like []string
	for i, w := range words {
		name := fmt.Sprintf("like%d", i)
		a[name] = "% " + w + "%"
		like = append(like, "n.search LIKE @"+name+" ")
	}
	// A scalar subquery, which no planner turns into a join that reads all people.
	where = "AND (SELECT " + strings.Join(like, "AND ") + "FROM people n WHERE n.tenant_id = @tenant AND n.entra_id = " + alias + ".entra_id) "
	if len(ids) > fewPeople {
		return "", where, nil
	}
	slices.Sort(ids) // somebody may have two words that begin alike
	if a["people"], err = db.People(slices.Compact(ids)); err != nil {
		return "", "", err
	}
	return "JOIN " + t.Rows("people", "entra_id text") + " AS f ON f.entra_id = " + alias + ".entra_id ", where, nil
}
