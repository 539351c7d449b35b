package rollout_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// A try is a whole rollout in a database: a few at a time; whoever looks for more asks
	// rapid for them.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", "15"); err != nil {
			panic(err)
		}
	}
	os.Exit(storetest.Main(m))
}

var id = storetest.ID

const (
	pilots = "a0000000-0000-4000-8000-000000000000"
	sales  = "b0000000-0000-4000-8000-000000000000"
	secret = "c0000000-0000-4000-8000-000000000000"
)

func group(g string) broadcast.Audience {
	return audience.Of(audience.Part{Kind: audience.Group, ID: g})
}

var (
	marketing = audience.Of(audience.Part{Kind: audience.Attribute, Field: audience.Department, Values: []string{"marketing"}})
	ada       = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: id(1), Name: "Ada Author"}, Roles: []broadcast.Role{broadcast.RoleAuthor}}
	cora      = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: id(3), Name: "Cora Admin"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}
)

// world is an organisation of 60: those above 40 are in Marketing. Person 60 is a guest.
type world struct {
	*testing.T
	dsn   string
	st    *store.Store
	clock *storetest.Clock
	graph *storetest.Groups
	*rollout.Service
}

func each(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn, clock := storetest.DSN(t, kind), storetest.NewClock()
			w := newWorld(t, storetest.Open(t, dsn, clock.Now), dsn, clock)
			w.hire(1, 60)
			f(w)
		})
	}
}

func newWorld(t *testing.T, st *store.Store, dsn string, clock *storetest.Clock) *world {
	w := &world{T: t, dsn: dsn, clock: clock, st: st}
	w.graph = storetest.NewGroups(map[string][]int{pilots: {1, 2, 3, 60}, sales: {3, 4, 5, 6, 7, 8, 9, 10, 41, 42}, secret: {}})
	w.graph.Fails[secret] = broadcast.Errorf(broadcast.Invalid, "The group “secret” hides its members.")
	w.Service = w.replica(w.st)
	return w
}

// replica is the service on another handle of the same database.
func (w *world) replica(st *store.Store) *rollout.Service {
	return rollout.NewService(rollout.Config{Ledger: st, Rings: st, Counting: st, Samples: st, Directory: w.gatherer(st), Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
}

// gatherer reads for one replica: several may at once.
func (w *world) gatherer(st *store.Store) *gather.Gatherer {
	reader := &storetest.Groups{Of: w.graph.Of, Fails: w.graph.Fails, Reads: map[string]int{}}
	return &gather.Gatherer{Reader: reader, Teams: places.New(places.Config{Ledger: st, Lists: st}), Sets: st, Names: st, Now: w.clock.Now}
}

// hire is a sync in which some people are found.
func (w *world) hire(from, to int) {
	var patches []noun.Patch
	for n := from; n <= to; n++ {
		name, yes, guest, department := fmt.Sprintf("Person %d", n), true, n == 60, "R&D"
		if n > 40 {
			department = "Marketing"
		}
		patches = append(patches, noun.Patch{EntraID: id(n), Name: &name, Enabled: &yes, Licensed: &yes, Guest: &guest, Department: &department})
	}
	w.Helper()
	w.no(w.st.SavePeople(w.Context(), patches, &noun.Cursor{Link: "delta", Round: 1, FinishedAt: w.clock.Now()}))
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// set puts rings in the place of those that wait.
func (w *world) set(rings ...rollout.Ring) {
	w.Helper()
	p, err := w.Plan(w.Context(), cora)
	w.no(err)
	_, err = w.SetRings(w.Context(), cora, p.Revision, rings)
	w.no(err)
}

func (w *world) ring(name string) rollout.Ring {
	w.Helper()
	r, err := w.Rollout(w.Context(), cora)
	w.no(err)
	for _, one := range r.Rings {
		if one.Name == name {
			return one
		}
	}
	w.Fatalf("there is no ring %q", name)
	return rollout.Ring{}
}

// advance opens a ring by its name.
func (w *world) advance(name string) error {
	w.Helper()
	return w.Advance(w.Context(), cora, w.ring(name).ID)
}

// tick is a second of the sweep.
func (w *world) tick() {
	w.Helper()
	w.clock.Pass(time.Second)
	w.no(w.Tick(w.Context(), time.Second))
}

// install gives everybody who is wanted the app, or refuses it to those named.
func (w *world) install(refused ...int) {
	w.Helper()
	w.clock.Pass(time.Second)
	for {
		got, err := w.st.TakeInstallations(w.Context(), 100, time.Minute)
		w.no(err)
		if len(got) == 0 {
			return
		}
		var out []broadcast.InstallOutcome
		for _, i := range got {
			o := broadcast.InstallOutcome{EntraID: i.EntraID, Fence: i.Fence, State: broadcast.InstallationInstalled, At: w.clock.Now(), Address: &broadcast.ConversationReference{ServiceURL: "https://smba.example/", ConversationID: "a:" + string(i.EntraID)}}
			for _, n := range refused {
				if i.EntraID == id(n) {
					o.State, o.Reason, o.Address = broadcast.InstallationRefused, broadcast.ReasonPolicy, nil
				}
			}
			out = append(out, o)
		}
		w.no(w.st.RecordInstallations(w.Context(), out))
	}
}

// wanted is who is to get the app.
func (w *world) wanted() (all []broadcast.EntraID) {
	w.Helper()
	page, err := w.Installations(w.Context(), cora, broadcast.InstallQuery{State: broadcast.InstallationWanted})
	w.no(err)
	for _, r := range page.Rows {
		all = append(all, r.EntraID)
	}
	return all
}
