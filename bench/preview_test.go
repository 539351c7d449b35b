package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/storetest"
)

var previewPart = part{
	name: "Preview",
	about: `The head-count of an audience over the API, with its sample and who is excluded and why: "first" when a part has to be
gathered, "again" while it is fresh. Nine in ten people are of one department, everybody below one manager in trees of ten.
Target: 2 s for a hundred thousand people.`,
	run: func(t *testing.T, b *bench) {
		people := number(t, "FANFARE_BENCH_PEOPLE", 100_000)
		for range rounds(t, 1) {
			for _, kind := range storetest.Kinds() {
				t.Run(kind, func(t *testing.T) {
					p := newProduct(t, newDatabase(t, kind), people, b, nil)
					p.start()
					p.employ(people)
					for _, a := range previews(people) {
						b.add(fmt.Sprintf("%s+%s/first", a.name, kind), people, p.preview(a)...)
						b.add(fmt.Sprintf("%s+%s/again", a.name, kind), people, p.preview(a)...)
					}
				})
			}
		}
	},
}

type object = map[string]any

// headCount is an audience as the API takes it, and how many people it means.
type headCount struct {
	name string
	body object
	want int
}

func previews(people int) []headCount {
	sales := []object{{"kind": "attribute", "field": "department", "values": []string{"SALES"}}}
	boss := []object{{"kind": "reports", "id": theBoss}}
	return []headCount{
		{"everyone", object{"everyone": true}, people},
		{"department", object{"include": sales}, people - people/10},
		{"everyone-but-department", object{"everyone": true, "exclude": sales}, people / 10},
		{"reports", object{"include": boss}, people},
		{"reports-but-department", object{"include": boss, "exclude": sales}, people / 10},
	}
}

// theBoss is person 1, as seedPeople makes their ID.
const theBoss = "9e3779b1-0000-4000-8000-000000000001"

// employ gives people a department and a manager.
func (p *product) employ(people int) {
	p.t.Helper()
	d := wordsOf(p.kind)
	number := `CAST(SUBSTR(name, 8) AS bigint)`
	execute(p.t, p.db, `UPDATE people SET department = 'Sales' WHERE `+number+` % 10 <> 0`)
	execute(p.t, p.db, `CREATE TABLE bosses AS SELECT `+number+` AS n, entra_id FROM people`)
	execute(p.t, p.db, `CREATE INDEX bosses_n ON bosses (n)`)
	execute(p.t, p.db, `UPDATE people SET manager_id = (SELECT b.entra_id FROM bosses b WHERE b.n = (`+number+` + 8) / 10) WHERE `+number+` > 1`)
	execute(p.t, p.db, `DROP TABLE bosses`)
	settle(p.t, p.db, d)
	if n := ask(p.t, p.db, `SELECT count(*) FROM people WHERE manager_id <> ''`); n != people-1 {
		p.t.Fatalf("%d of %d people have a manager", n, people)
	}
}

// preview counts once.
func (p *product) preview(a headCount) []value {
	p.t.Helper()
	var got struct{ Total int }
	begun := time.Now()
	p.call(broadcast.RoleAuthor, "POST", "/audience/reach", a.body, &got)
	took := time.Since(begun)
	if got.Total != a.want {
		p.t.Fatalf("%s: %d people, want %d", a.name, got.Total, a.want)
	}
	return []value{{"ns/op", float64(took.Nanoseconds())}, {"ms", float64(took.Milliseconds())}}
}
