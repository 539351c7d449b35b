package scope_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var id = storetest.ID

// world is an organisation of 40: those above 20 are in Marketing, the others in R&D.
type world struct {
	*testing.T
	dsn      string
	st       *store.Store
	clock    *storetest.Clock
	graph    *storetest.Groups
	gatherer *gather.Gatherer
	*scope.Service
}

const (
	sales = "a0000000-0000-4000-8000-000000000000"
	union = "b0000000-0000-4000-8000-000000000000"
)

func each(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn, clock := storetest.DSN(t, kind), storetest.NewClock()
			st := storetest.Open(t, dsn, clock.Now)
			w := &world{T: t, dsn: dsn, st: st, clock: clock, graph: storetest.NewGroups(map[string][]int{sales: {1, 2, 3, 22}, union: {3}})}
			w.gatherer = &gather.Gatherer{Reader: w.graph, Teams: places.New(places.Config{Ledger: st, Lists: st}), Sets: st, Names: st, Now: clock.Now}
			w.Service = scope.NewService(scope.Config{Ledger: st, Vouchers: st, Census: st, Directory: w.gatherer, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
			var patches []noun.Patch
			for n := 1; n <= 40; n++ {
				name, yes, no, department := fmt.Sprintf("Person %d", n), true, false, "R&D"
				if n > 20 {
					department = "Marketing"
				}
				patches = append(patches, noun.Patch{EntraID: id(n), Name: &name, Enabled: &yes, Licensed: &yes, Guest: &no, Department: &department})
			}
			w.no(st.SavePeople(t.Context(), patches, &noun.Cursor{Link: "delta", Round: 1, FinishedAt: clock.Now()}))
			f(w)
		})
	}
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func actor(n int, name string, role broadcast.Role) broadcast.Actor {
	return broadcast.Actor{ActorRef: broadcast.ActorRef{ID: id(n), Name: name}, Roles: []broadcast.Role{role}}
}

var (
	ada  = actor(1, "Ada Author", broadcast.RoleAuthor)
	alf  = actor(4, "Alf Author", broadcast.RoleAuthor)
	ben  = actor(2, "Ben Approver", broadcast.RoleApprover)
	cora = actor(3, "Cora Admin", broadcast.RoleAdmin)

	everyone  = audience.Part{Kind: audience.Everyone}
	marketing = audience.Part{Kind: audience.Attribute, Field: audience.Department, Values: []string{"Marketing"}}
	research  = audience.Part{Kind: audience.Attribute, Field: audience.Department, Values: []string{"R&D"}}
	inSales   = audience.Part{Kind: audience.Group, ID: sales}
	inUnion   = audience.Part{Kind: audience.Group, ID: union}
	one       = audience.Part{Kind: audience.Person, ID: string(id(1))}
	alien     = audience.Part{Kind: audience.Person, ID: string(id(99))}
)

// set bounds somebody, or all.
func (w *world) set(who broadcast.EntraID, a broadcast.Audience) {
	w.Helper()
	_, err := w.Set(w.Context(), cora, who, a)
	w.no(err)
}

func draft(by broadcast.Actor, to broadcast.Audience) *broadcast.Broadcast {
	return &broadcast.Broadcast{ID: "b", Kind: broadcast.KindAnnouncement, Author: by.ActorRef, SubmittedBy: by.ActorRef, Audience: to}
}

// refused fails unless the move is refused with a sentence that says so.
func (w *world) refused(a broadcast.Actor, ev broadcast.Event, b *broadcast.Broadcast, want ...string) {
	w.Helper()
	err := w.Allows(w.Context(), a, ev, b)
	e := broadcast.AsError(err)
	if e == nil {
		w.Errorf("%s of %s: %v, want a refusal", ev, b.Audience.Words(), err)
		return
	}
	for _, part := range want {
		if !strings.Contains(e.Message, part) {
			w.Errorf("refused with %q, want %q in it", e.Message, part)
		}
	}
}

func (w *world) allowed(a broadcast.Actor, ev broadcast.Event, b *broadcast.Broadcast) {
	w.Helper()
	if err := w.Allows(w.Context(), a, ev, b); err != nil {
		w.Errorf("%s of %s: %v", ev, b.Audience.Words(), err)
	}
}

func TestAnAudienceIsComparedByItsPeople(t *testing.T) {
	each(t, func(w *world) {
		except := func(in, out audience.Part) broadcast.Audience {
			return broadcast.Audience{Include: []audience.Part{in}, Exclude: []audience.Part{out}}
		}
		for name, c := range map[string]struct {
			bound, meant   broadcast.Audience
			outside, total int
		}{
			"everyone may reach everyone":        {audience.Of(everyone), audience.Of(everyone), 0, 0},
			"a group and itself":                 {audience.Of(inSales), audience.Of(inSales), 0, 4},
			"one of the group":                   {audience.Of(inSales), audience.Of(one), 0, 1},
			"everyone against a group":           {audience.Of(inSales), audience.Of(everyone), 36, 40},
			"everyone against all departments":   {audience.Of(marketing, research), audience.Of(everyone), 0, 40},
			"a group that sticks out":            {audience.Of(research), audience.Of(inSales), 1, 4},
			"the same group with that left out":  {audience.Of(research), except(inSales, marketing), 0, 3},
			"somebody left out of the scope":     {except(inSales, inUnion), audience.Of(inSales), 1, 4},
			"left out of both":                   {except(inSales, inUnion), except(inSales, inUnion), 0, 3},
			"everyone but a group":               {except(everyone, inUnion), audience.Of(everyone), 1, 40},
			"everyone but a group, without them": {except(everyone, inUnion), except(everyone, inUnion), 0, 39},
			"everyone but a group, others":       {except(everyone, inUnion), audience.Of(marketing), 0, 20},
			"somebody nobody knows":              {except(everyone, inUnion), audience.Of(one, alien), 1, 2},
			"an unknown one, anybody":            {audience.Of(everyone), audience.Of(alien), 0, 0},
		} {
			w.set(ada.ID, c.bound)
			f, err := w.Look(w.Context(), ada, c.meant)
			if err != nil || f.Count != c.outside || f.Total != c.total {
				w.Errorf("%s: %d of %d outside, %v, want %d of %d", name, f.Count, f.Total, err, c.outside, c.total)
			}
			if c.outside == 0 {
				w.allowed(ada, broadcast.EventSubmit, draft(ada, c.meant))
			} else {
				w.refused(ada, broadcast.EventSubmit, draft(ada, c.meant), "outside what you may reach ("+f.Bound.Words()+")", "ask an admin.")
			}
		}
	})
}

func TestTheRefusalSaysHowManyAndWho(t *testing.T) {
	each(t, func(w *world) {
		w.set(ada.ID, audience.Of(inSales))
		w.refused(ada, broadcast.EventSubmit, draft(ada, audience.Of(everyone)),
			"36 of the 40 people you chose are outside what you may reach (Group a0000000): for example Person 4, Person 5, Person 6. Leave them out, or ask an admin.")
		w.refused(ben, broadcast.EventSend, draft(ada, audience.Of(everyone)), "36 of the 40 people chosen are outside what Ada Author may reach (Group a0000000)")
	})
}

func TestNoScopeIsEverybodyUntilThereIsADefault(t *testing.T) {
	each(t, func(w *world) {
		all := draft(ada, audience.Of(everyone))
		w.allowed(ada, broadcast.EventSubmit, all)
		w.set(scope.Default, audience.Of(inSales))
		w.refused(ada, broadcast.EventSubmit, all)
		w.set(ada.ID, audience.Of(everyone))
		w.allowed(ada, broadcast.EventSubmit, all)
		w.refused(alf, broadcast.EventSubmit, draft(alf, audience.Of(everyone)))
		w.no(w.Drop(w.Context(), cora, ada.ID))
		w.refused(ada, broadcast.EventSubmit, all)
		w.no(w.Drop(w.Context(), cora, scope.Default))
		w.allowed(ada, broadcast.EventSubmit, all)
	})
}

func TestTheNarrowerOfAuthorAndSubmitterCounts(t *testing.T) {
	each(t, func(w *world) {
		w.set(ada.ID, audience.Of(inSales))
		w.set(alf.ID, audience.Of(everyone))
		b := draft(ada, audience.Of(everyone))
		b.SubmittedBy = alf.ActorRef
		w.refused(alf, broadcast.EventSubmit, b, "outside what Ada Author may reach")
		b = draft(alf, audience.Of(everyone))
		b.SubmittedBy = ada.ActorRef
		w.refused(ada, broadcast.EventSubmit, b, "outside what you may reach")
	})
}

func TestAnAdminStandsForABroadcastUntilItChanges(t *testing.T) {
	each(t, func(w *world) {
		w.set(scope.Default, audience.Of(inSales))
		b := draft(ada, audience.Of(everyone))
		w.refused(ben, broadcast.EventSend, b)
		w.allowed(cora, broadcast.EventSubmit, b)
		for _, ev := range []broadcast.Event{broadcast.EventSend, broadcast.EventSchedule} {
			w.allowed(ben, ev, b)
		}
		w.allowed(broadcast.EngineActor, broadcast.EventRelease, b)
		b.Message.Title = "Something else"
		w.refused(ben, broadcast.EventSend, b)
	})
}

func TestWhatReachesNobodyNewIsNotAsked(t *testing.T) {
	each(t, func(w *world) {
		w.set(scope.Default, audience.Of(inSales))
		b := draft(ada, audience.Of(everyone))
		for _, ev := range []broadcast.Event{broadcast.EventApprove, broadcast.EventReject, broadcast.EventCancel, broadcast.EventPause, broadcast.EventWithdraw} {
			w.allowed(ben, ev, b)
		}
		for _, k := range []broadcast.BroadcastKind{broadcast.KindEdit, broadcast.KindRecall} {
			b.Kind = k
			w.allowed(ada, broadcast.EventSubmit, b)
		}
	})
}

// What is asked at the last moment is asked of the very people who were read for it.
func TestTheResolverAndLateJoinersAreBoundedToo(t *testing.T) {
	each(t, func(w *world) {
		w.set(scope.Default, audience.Of(research))
		b := draft(ada, broadcast.Audience{Include: []audience.Part{inSales}, Exclude: []audience.Part{marketing}})
		w.no(w.gatherer.Gather(w.Context(), "b", b.Audience, 0))
		w.allowed(broadcast.EngineActor, broadcast.EventRelease, b)
		w.graph.Of[sales] = append(w.graph.Of[sales], 5, 6)
		w.no(w.gatherer.Gather(w.Context(), "b/late", b.Audience, 0))
		w.allowed(broadcast.EngineActor, broadcast.EventLate, b)
		b.Audience.Exclude = nil // as if those left out had changed departments since
		w.no(w.gatherer.Gather(w.Context(), "b/late", b.Audience, 0))
		w.refused(broadcast.EngineActor, broadcast.EventLate, b, "1 of the 6 people chosen is outside what Ada Author may reach")
		w.set(scope.Default, audience.Of(inUnion)) // narrower, and nobody has read it since
		w.graph.Of[union] = []int{1, 2, 3, 22}
		w.clock.Pass(1e9)
		w.allowed(broadcast.EngineActor, broadcast.EventRelease, b)
		w.graph.Of[union] = nil
		w.clock.Pass(1e9)
		w.refused(broadcast.EngineActor, broadcast.EventRelease, b, "4 of the 4 people chosen are outside")
	})
}

func TestAScopeThatCannotBeReadLetsNobodyBeReached(t *testing.T) {
	each(t, func(w *world) {
		w.set(scope.Default, broadcast.Audience{Include: []audience.Part{everyone}, Exclude: []audience.Part{inUnion}})
		b := draft(ada, audience.Of(one))
		w.allowed(ada, broadcast.EventSubmit, b)
		w.graph.Fails[union] = broadcast.Errorf(broadcast.Invalid, "The group “Works Council” cannot be read.")
		w.clock.Pass(11 * 60e9) // what was read is too old by now
		w.refused(ada, broadcast.EventSubmit, b, "Whom Ada Author may reach cannot be read", "“Works Council” cannot be read", "Ask an admin")
		w.graph.Fails[union] = errors.New("connection reset")
		if err := w.Allows(w.Context(), ada, broadcast.EventSubmit, b); err == nil || broadcast.AsError(err) != nil {
			w.Errorf("passing trouble is %v", err)
		}
		delete(w.graph.Fails, union)
		for _, garbled := range []string{"{", "{}", `{"include":[{"kind":"planet"}]}`} {
			if _, err := storetest.SQL(w.T, w.dsn).Exec(`UPDATE scopes SET audience = '` + garbled + `'`); err != nil {
				w.Fatal(err)
			}
			w.refused(ada, broadcast.EventSubmit, b, "cannot be read", "set anew")
			if _, err := w.Get(w.Context(), cora, scope.Default); !errors.Is(err, scope.ErrUnreadable) {
				w.Errorf("%s is read as %v", garbled, err)
			}
		}
		w.set(scope.Default, audience.Of(inSales))
		w.allowed(ada, broadcast.EventSubmit, b)
	})
}

func TestOnlyAdminsSetScopesAndEveryChangeIsALine(t *testing.T) {
	each(t, func(w *world) {
		for _, a := range []broadcast.Actor{ada, ben} {
			_, setting := w.Set(w.Context(), a, ada.ID, audience.Of(everyone))
			_, reading := w.Get(w.Context(), a, ada.ID)
			_, listing := w.Overview(w.Context(), a)
			for _, err := range []error{setting, reading, listing, w.Drop(w.Context(), a, ada.ID)} {
				if !broadcast.IsCode(err, broadcast.Forbidden) {
					w.Errorf("%s: %v", a.Name, err)
				}
			}
		}
		w.set(ada.ID, audience.Of(inSales))
		w.set(ada.ID, audience.Of(inSales)) // nothing changes, no line
		w.clock.Pass(1e9)
		w.set(broadcast.EntraID(strings.ToUpper(string(ada.ID))), audience.Of(marketing))
		w.clock.Pass(1e9)
		w.no(w.Drop(w.Context(), cora, ada.ID))
		if err := w.Drop(w.Context(), cora, ada.ID); !broadcast.IsCode(err, broadcast.NotFound) {
			w.Errorf("dropped twice: %v", err)
		}
		o, err := w.Overview(w.Context(), cora)
		w.no(err)
		var lines []string
		for _, c := range o.Changes {
			lines = append(lines, fmt.Sprintf("%s: %s of %s → %s", c.By.Name, c.Person.Name, c.From.Words(), c.To.Words()))
		}
		want := "Cora Admin: Person 1 of Department Marketing → Nobody yet\nCora Admin: Person 1 of Group a0000000 → Department Marketing\nCora Admin: Person 1 of Nobody yet → Group a0000000"
		if got := strings.Join(lines, "\n"); got != want || len(o.Scopes) != 0 {
			w.Errorf("the audit reads\n%s", got)
		}
	})
}

func TestAScopeHasToMakeSense(t *testing.T) {
	each(t, func(w *world) {
		for who, a := range map[broadcast.EntraID]broadcast.Audience{
			id(5): {}, id(6): audience.Of(audience.Part{Kind: audience.Group, ID: "../users"}), id(7): audience.Of(audience.Part{Kind: audience.Group, ID: "c0000000-0000-4000-8000-000000000000"}),
			id(99): audience.Of(everyone), "nobody": audience.Of(everyone), "": audience.Of(everyone),
		} {
			if _, err := w.Set(w.Context(), cora, who, a); broadcast.AsError(err) == nil {
				w.Errorf("%q got %s: %v", who, a.Words(), err)
			}
		}
	})
}
