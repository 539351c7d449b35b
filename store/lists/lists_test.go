package lists_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/store"
	slists "github.com/fanfare/fanfare/store/lists"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, slists.Tables(), storetest.Lists()...)
}

func id(n int) broadcast.EntraID {
	return broadcast.EntraID(fmt.Sprintf("%08d-0000-4000-8000-00000000abcd", n))
}

// silent is a directory that knows nobody and remembers what it was asked.
type silent struct{ asked []string }

func (s *silent) LookUp(_ context.Context, keys []string) (map[string]lists.Match, error) {
	s.asked = append(s.asked, keys...)
	return nil, nil
}

// world is an organisation whose person n is personN@contoso.example, with the mail
// first.N@contoso.example.
type world struct {
	*testing.T
	dsn string
	st  *store.Store
	dir *silent
	*lists.Service
}

var author = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "a", Name: "Ada Author"}, Roles: []broadcast.Role{broadcast.RoleAuthor}}

func each(t *testing.T, people int, f func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, kind)
			st := storetest.Open(t, dsn, nil)
			w := &world{T: t, dsn: dsn, st: st, dir: &silent{}}
			w.Service = lists.NewService(lists.Config{Ledger: st, Shelf: st, Directory: w.dir, Now: st.Now})
			for from := 1; from <= people; from += 5_000 {
				var page []person.Patch
				for n := from; n < from+5_000 && n <= people; n++ {
					page = append(page, one(n, fmt.Sprintf("Person%d@Contoso.example", n), fmt.Sprintf("first.%d@contoso.example", n)))
				}
				w.no(st.SavePeople(t.Context(), page, &person.Cursor{Link: "delta", Round: 1, FinishedAt: st.Now()}))
			}
			f(w)
		})
	}
}

func one(n int, upn, mail string) person.Patch {
	name, yes := fmt.Sprintf("Person %d", n), true
	return person.Patch{EntraID: id(n), Name: &name, UPN: &upn, Mail: &mail, Enabled: &yes, Licensed: &yes}
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) list(texts ...string) lists.List {
	w.Helper()
	rows := make([]lists.Row, len(texts))
	for i, text := range texts {
		rows[i] = lists.Row{Line: i + 1, Text: text}
	}
	l, err := w.Make(w.Context(), author, "Jubilees", rows)
	w.no(err)
	return l
}

// reported is what became of each row.
func (w *world) reported(l lists.List, f lists.Filter) (out []string) {
	w.Helper()
	for o, err := range w.Outcomes(w.Context(), author, lists.ReportQuery{List: l.ID, Filter: f}) {
		w.no(err)
		out = append(out, fmt.Sprintf("%d %s %s %d", o.Line, o.Name, o.Problem, o.FirstLine))
	}
	return out
}

func TestARowIsFoundByAnyOfItsNames(t *testing.T) {
	each(t, 12, func(w *world) {
		yes, guest := true, true
		w.no(w.st.SavePeople(w.Context(), []person.Patch{
			one(20, "twin1@contoso.example", "twins@contoso.example"), one(21, "twin2@contoso.example", "Twins@contoso.example"),
			one(22, "gone@contoso.example", "first.1@contoso.example"), one(23, "Öz@contoso.example", ""),
		}, nil))
		w.no(w.st.SavePeople(w.Context(), []person.Patch{{EntraID: id(22), Deleted: &yes}, {EntraID: id(5), Guest: &guest}}, nil))
		l := w.list(
			"PERSON1@contoso.EXAMPLE", " First.2@contoso.example ", strings.ToUpper(string(id(3))), "{"+string(id(4))+"}", "mailto:person5@contoso.example",
			"first.1@contoso.example", string(id(1)), "Ada <person6@contoso.example>", "nobody@contoso.example", "twins@contoso.example", "Person 7", "@", "gone@contoso.example",
			"Öz@contoso.example", "öz@contoso.example", "", "=cmd|' /C calc'!A0", strings.Repeat("x", 1000)+"@contoso.example", "o'brien@contoso.example; DROP TABLE people",
		)
		want := []string{
			"1 Person 1  0", "2 Person 2  0", "3 Person 3  0", "4 Person 4  0", "5 Person 5  0",
			"6 Person 1 twice 1", "7 Person 1 twice 1", "8 Person 6  0", "9  not_found 0", "10  ambiguous 0", "11  unreadable 0", "12  unreadable 0", "13  not_found 0",
			"14 Person 23  0", "15  not_found 0", "16  unreadable 0", "17  unreadable 0", "18  unreadable 0", "19  unreadable 0",
		}
		if got := w.reported(l, lists.All); !slices.Equal(got, want) {
			w.Errorf("%q\nwant\n%q", got, want)
		}
		if l.Rows != 19 || l.Found != 9 || l.People != 7 || l.Missing() != 10 || len(w.reported(l, lists.Missing)) != l.Missing() {
			w.Errorf("%+v", l)
		}
		// Whom the ledger folds otherwise than the directory is asked for there.
		if want := []string{"nobody@contoso.example", "gone@contoso.example", "öz@contoso.example"}; !slices.Equal(w.dir.asked, want) {
			w.Errorf("the directory was asked for %q", w.dir.asked)
		}
		g := &gather.Gatherer{Sets: w.st, Names: w.st, Now: w.st.Now}
		a := audience.Of(l.Part(), audience.Part{Kind: audience.Person, ID: string(id(1))})
		w.no(g.Gather(w.Context(), "", a, 0))
		reach, err := w.st.Reach(w.Context(), a)
		w.no(err)
		if reach.Total != l.People || reach.Excluded[broadcast.ReasonGuest] != 1 {
			w.Errorf("%+v: the same person by three names counts once", reach)
		}
	})
}

func TestADeletedListMeansNobodyAndSaysSo(t *testing.T) {
	each(t, 3, func(w *world) {
		l := w.list("person1@contoso.example", "person2@contoso.example")
		g := &gather.Gatherer{Sets: w.st, Names: w.st, Now: w.st.Now}
		if name, err := g.NameOf(w.Context(), l.Part()); err != nil || name != "Jubilees (2 people)" {
			w.Errorf("%q, %v", name, err)
		}
		hits, err := w.st.FindParts(w.Context(), "jub", 8)
		if err != nil || len(hits) != 1 || hits[0].Words() != "List Jubilees (2 people)" || !strings.HasPrefix(hits[0].Note, "List · by Ada Author on ") {
			w.Errorf("%+v, %v", hits, err)
		}
		other := author
		other.ID = "b"
		if err := w.Delete(w.Context(), other, l.ID); !broadcast.IsCode(err, broadcast.Forbidden) {
			w.Errorf("somebody else deletes it: %v", err)
		}
		w.no(w.Delete(w.Context(), author, l.ID))
		if _, err := g.NameOf(w.Context(), l.Part()); !broadcast.IsCode(err, broadcast.NotFound) || !strings.Contains(err.Error(), "“Jubilees (2 people)” was deleted") {
			w.Errorf("%v", err)
		}
		// At Send nothing is counted for it, and the error is for people.
		err = g.Gather(w.Context(), "a broadcast", audience.Of(l.Part()), 0)
		if e := broadcast.AsError(err); e == nil || e.Code != broadcast.Invalid || e.Field != "audience" {
			w.Errorf("%v", err)
		}
		if at, err := w.st.SetAt(w.Context(), "a broadcast", l.Part()); err != nil || !at.IsZero() {
			w.Errorf("a set of a deleted list counts as read: %v %v", at, err)
		}
		if _, err := w.Report(w.Context(), author, lists.ReportQuery{List: l.ID}); !broadcast.IsCode(err, broadcast.NotFound) {
			w.Errorf("%v", err)
		}
		var rows int
		w.no(storetest.SQL(w.T, w.dsn).QueryRow(`SELECT count(*) FROM list_rows`).Scan(&rows))
		if rows != 0 {
			w.Errorf("%d rows are left behind", rows)
		}
	})
}

func TestAListThatWasNotWrittenToItsEndIsNotThere(t *testing.T) {
	each(t, 1, func(w *world) {
		begun := lists.List{ID: broadcast.NewID(w.st.Now()), Name: "Half", CreatedAt: w.st.Now().Add(-2 * time.Hour)}
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		if err := w.st.SaveList(ctx, begun, nil); err == nil {
			w.Fatal("a list was stored by somebody who had left")
		}
		_, err := storetest.SQL(w.T, w.dsn).Exec(`INSERT INTO lists (tenant_id, id, name, by_id, by_name, created_at, rows_total, rows_found, people, ready)
			VALUES ('` + storetest.Tenant + `', '` + string(begun.ID) + `', 'Half', '', '', 1, 1, 1, 1, FALSE)`)
		w.no(err)
		if hits, err := w.st.FindParts(w.Context(), "half", 8); err != nil || len(hits) != 0 {
			w.Errorf("%v, %v", hits, err)
		}
		w.list("person1@contoso.example")
		var left int
		w.no(storetest.SQL(w.T, w.dsn).QueryRow(`SELECT count(*) FROM lists`).Scan(&left))
		if left != 1 {
			w.Errorf("%d lists: what was left half-done goes with the next", left)
		}
	})
}

func TestASavedAudienceIsKeptUnderOneName(t *testing.T) {
	each(t, 1, func(w *world) {
		to := audience.Audience{Include: []audience.Part{{Kind: audience.Everyone}}, Exclude: []audience.Part{{Kind: audience.Person, ID: string(id(1)), Name: "Person 1"}}}
		s, err := w.SaveAudience(w.Context(), author, "  Jubilees   2026 ", to)
		w.no(err)
		if _, err := w.SaveAudience(w.Context(), author, "jubilees 2026", to); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("a name was given twice: %v", err)
		}
		for _, bad := range []string{"", " \x00", strings.Repeat("x", 101)} {
			if _, err := w.SaveAudience(w.Context(), author, bad, to); !broadcast.IsCode(err, broadcast.Invalid) {
				w.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := w.SaveAudience(w.Context(), author, "Nobody", broadcast.Audience{}); !broadcast.IsCode(err, broadcast.Invalid) {
			w.Errorf("%v", err)
		}
		_, err = w.SaveAudience(w.Context(), author, "Another", to)
		w.no(err)
		if err := w.RenameAudience(w.Context(), author, s.ID, "ANOTHER"); !broadcast.IsCode(err, broadcast.Conflict) {
			w.Errorf("%v", err)
		}
		w.no(w.RenameAudience(w.Context(), author, s.ID, "Zebras"))
		all, err := w.SavedAudiences(w.Context(), author)
		if err != nil || len(all) != 2 || all[1].Name != "Zebras" || all[1].Audience.Words() != "Everyone except Person 1" || all[1].By.Name != "Ada Author" {
			w.Errorf("%+v, %v", all, err)
		}
		w.no(w.DropAudience(w.Context(), author, s.ID))
		for _, err := range []error{w.DropAudience(w.Context(), author, s.ID), w.RenameAudience(w.Context(), author, s.ID, "X")} {
			if !broadcast.IsCode(err, broadcast.NotFound) {
				w.Errorf("%v", err)
			}
		}
		reader := broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAuditor}}
		if _, err := w.SavedAudiences(w.Context(), reader); !broadcast.IsCode(err, broadcast.Forbidden) {
			w.Errorf("%v", err)
		}
	})
}

func TestTheLookUpReadsIndexesOnly(t *testing.T) {
	each(t, 5_000, func(w *world) {
		stmt := w.st.LookUpStatement()
		explain := "EXPLAIN QUERY PLAN "
		if w.st.Postgres() {
			explain = "EXPLAIN "
			_, err := storetest.SQL(w.T, w.dsn).Exec("ANALYZE people")
			w.no(err)
		}
		stmt = strings.ReplaceAll(strings.ReplaceAll(stmt, "@tenant ", "'"+storetest.Tenant+"' "), "@rows ", `'[{"key":"person1@contoso.example"}]'`)
		rows, err := storetest.SQL(w.T, w.dsn).Query(explain + stmt)
		w.no(err)
		defer rows.Close()
		var plan []string
		for rows.Next() {
			var a, b, c any
			var line string
			if w.st.Postgres() {
				err = rows.Scan(&line)
			} else {
				err = rows.Scan(&a, &b, &c, &line)
			}
			w.no(err)
			plan = append(plan, line)
		}
		text := strings.Join(plan, "\n")
		for _, index := range []string{"people_upn", "people_mail"} {
			if !strings.Contains(text, index) {
				w.Errorf("%s is not used:\n%s", index, text)
			}
		}
		if strings.Contains(text, "Seq Scan on people") || strings.Contains(text, "SCAN p") {
			w.Errorf("everybody is read:\n%s", text)
		}
		w.Log(text)
	})
}

// TestAHundredThousandRowsAreLookedUpInSeconds measures; the bounds are generous, for
// slow machines, and still tell a look-up per row from one per thousands.
func TestAHundredThousandRowsAreLookedUpInSeconds(t *testing.T) {
	each(t, 20_000, func(w *world) { // each named five times, in three ways
		texts := make([]string, 100_000)
		for i := range texts {
			n := i%20_000 + 1
			texts[i] = []string{fmt.Sprintf("person%d@contoso.example", n), fmt.Sprintf("First.%d@contoso.example", n), string(id(n))}[i/20_000%3]
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		l := w.list(texts...)
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		w.Logf("100,000 rows in %v; %d MB of heap in use", took, after.HeapInuse>>20)
		if l.People != 20_000 || l.Found != 100_000 || took > 60*time.Second {
			w.Errorf("%+v in %v", l, took)
		}
		begun = time.Now()
		g := &gather.Gatherer{Sets: w.st, Names: w.st, Now: w.st.Now}
		w.no(g.Gather(w.Context(), "", audience.Of(l.Part()), 0))
		reach, err := w.st.Reach(w.Context(), audience.Of(l.Part()))
		w.no(err)
		w.Logf("counted in %v", time.Since(begun))
		if reach.Total != 20_000 {
			w.Errorf("%+v", reach)
		}
	})
}
