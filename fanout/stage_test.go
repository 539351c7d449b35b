package fanout_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/teams"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// These tests wait for clocks far more than for the machine.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(storetest.Main(m))
}

// patience bounds every wait; a test that needs it has failed.
const patience = 30 * time.Second

// clock is the time of day of ledger and senders; it can be put forward, so that
// nobody waits for a back-off or for a lease to run out.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time            { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration)   { c.ahead.Add(int64(d)) }
func fastClock(ahead time.Duration) *clock { c := &clock{}; c.forward(ahead); return c }

// world is a simulated Microsoft over HTTPS, a database, and one replica of the
// room under test.
type world struct {
	*testing.T
	*replica
	sim    *simulator.Simulator
	kind   string // of database
	dsn    string
	base   string
	roots  *x509.CertPool
	tokens teams.TokenSource
	clock  *clock
	at     []broadcast.ConversationReference // by person's number
}

// replica is one process's share: a store, a sender, and the wire between it and Teams.
type replica struct {
	st       *store.Store
	service  *broadcast.Service
	sender   *fanout.Sender
	client   *teams.Client
	wire     *wire
	people   *crowd
	gatherer *gather.Gatherer
	now      func() time.Time
}

// wire counts the sends that leave a replica and lets a test step in.
type wire struct {
	http.RoundTripper
	mu     sync.Mutex
	begun  []time.Time
	before func(n int) // called as the nth send leaves
	after  func(n int) // called when its answer is there, before the replica sees it
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/activities") {
		return w.RoundTripper.RoundTrip(r)
	}
	w.mu.Lock()
	w.begun = append(w.begun, time.Now())
	n, before, after := len(w.begun), w.before, w.after
	w.mu.Unlock()
	if before != nil {
		before(n)
	}
	answer, err := w.RoundTripper.RoundTrip(r)
	if after != nil {
		after(n)
	}
	return answer, err
}

func (w *wire) sends() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Time(nil), w.begun...)
}

// each runs a test in a world of its own on each database. People 1 to n have the bot.
func each(t *testing.T, n int, f func(w *world)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(newWorld(t, kind, n))
		})
	}
}

func newWorld(t *testing.T, kind string, people int) *world {
	t.Helper()
	o := simulator.DefaultOptions()
	o.People, o.ConnectorRate, o.GraphInstallRate = max(people, 20), 0, 0
	sim := must(simulator.New(o))
	sim.SetDials(func(d *simulator.Dials) {
		*d = simulator.Dials{ServiceRegion: d.ServiceRegion, TokenLifetimeSeconds: d.TokenLifetimeSeconds, EventTimeoutMS: 1000, EventTries: 1}
	})
	server := must(simulator.Listen(context.Background(), "127.0.0.1:0", sim))
	t.Cleanup(func() { _ = sim.Close(); _ = server.Close() })
	w := &world{T: t, kind: kind, sim: sim, base: server.URL(), dsn: storetest.DSN(t, kind), clock: &clock{}, roots: x509.NewCertPool()}
	w.roots.AppendCertsFromPEM(sim.CACertPEM())
	transport := teams.NewTransport(32, w.roots)
	t.Cleanup(transport.CloseIdleConnections)
	w.tokens = teams.CredentialToken(must(azidentity.NewClientSecretCredential(simulator.DefaultTenantID, simulator.DefaultBotID, simulator.DefaultClientSecret,
		&azidentity.ClientSecretCredentialOptions{DisableInstanceDiscovery: true, ClientOptions: policy.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: w.base},
			Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: -1},
		}})), teams.DefaultScope, time.Now)
	w.replica = w.newReplica(w.clock)
	w.install(people)
	return w
}

// newReplica is another process on the same database, with a clock of its own.
func (w *world) newReplica(c *clock) *replica {
	w.Helper()
	transport := teams.NewTransport(32, w.roots)
	w.Cleanup(transport.CloseIdleConnections)
	r := &replica{wire: &wire{RoundTripper: transport}, now: c.now, st: storetest.Open(w, w.dsn, c.now)}
	r.people = &crowd{st: r.st}
	r.gatherer = &gather.Gatherer{Reader: r.people, Teams: places.New(places.Config{Ledger: r.st, Lists: r.st}), Sets: r.st, Names: r.st, Now: c.now}
	r.client = w.speaker(r.wire, 3*time.Second)
	log := slog.New(slog.DiscardHandler)
	r.service = broadcast.NewService(broadcast.Config{Ledger: r.st, Directory: r.gatherer, Messenger: r.client, Now: c.now, Log: log})
	r.sender = &fanout.Sender{
		Service: r.service, Ledger: r.st, Messenger: r.client, Chunks: r.st, Marks: r.st, Workers: 8, Now: c.now, Log: log,
		Budget: running(w, budget.New(r.st, budget.Connector, 0)),
	}
	return r
}

// speaker is a client that gives up after a while.
func (w *world) speaker(wire http.RoundTripper, after time.Duration) *teams.Client {
	w.Helper()
	return must(teams.NewClient(teams.Options{
		HTTP: &http.Client{Transport: wire}, Token: w.tokens, BotID: simulator.DefaultBotID, TenantID: simulator.DefaultTenantID,
		Hosts: must(teams.ParseHostList([]string{must(url.Parse(w.base)).Host})), FallbackServiceURL: w.base + "/teams/",
		Composer: must(teams.NewComposer(teams.ComposerOptions{BotID: simulator.DefaultBotID})), Timeout: after,
	}))
}

// send sits down for a broadcast until there is nothing to do for now.
func (r *replica) send(ctx context.Context, bid broadcast.ID) error {
	for {
		if err := r.sender.Seat(ctx, bid); !errors.Is(err, broadcast.ErrMore) {
			return err
		}
	}
}

// running runs a budget until the test is over.
func running(t testing.TB, b *budget.Budget) *budget.Budget {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var owner sync.WaitGroup
	owner.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Errorf("the budget ended with %v", err)
		}
	})
	t.Cleanup(func() { stop(); owner.Wait() })
	return b
}

// install gives people the bot, and their addresses to the ledger.
func (w *world) install(n int) {
	w.Helper()
	w.at = make([]broadcast.ConversationReference, n+1)
	numbers := make(chan int)
	var hands sync.WaitGroup
	for range 8 {
		hands.Go(func() {
			for i := range numbers {
				w.tell(i, "install", nil)
				at, err := w.client.Open(context.Background(), id(i), broadcast.ConversationReference{})
				if err == nil {
					err = w.st.BotAdded(context.Background(), id(i), at)
				}
				if err != nil {
					w.Errorf("person %d: %v", i, err)
				}
				w.at[i] = at
			}
		})
	}
	for i := range n {
		numbers <- i + 1
	}
	close(numbers)
	hands.Wait()
	w.sim.ResetReport()
}

// tell makes a person do something in their Teams window.
func (w *world) tell(number int, verb string, body any) {
	w.Helper()
	resp, err := (&http.Client{Transport: w.wire}).Post(w.base+"/_simulator/people/"+simulator.EntraID(number)+"/"+verb, "application/json", bytes.NewReader(must(json.Marshal(body))))
	if err != nil {
		w.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		w.Errorf("person %d, %s: %s %s", number, verb, resp.Status, said)
	}
}

// fail sets the faults that strike from now on.
func (w *world) fail(faults ...simulator.Fault) {
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail = faults })
}

func id(n int) broadcast.EntraID { return broadcast.EntraID(simulator.EntraID(n)) }

func recipients(from, to int) []broadcast.Recipient {
	var out []broadcast.Recipient
	for i := from; i <= to; i++ {
		out = append(out, broadcast.Recipient{EntraID: id(i)})
	}
	return out
}

var admin = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "admin", Name: "Adam Admin"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}

// somebody is an audience that is read through the directory.
var somebody = broadcast.InGroups(broadcast.Group{ID: "5eed0000-aaaa-4bbb-8ccc-0123456789ab", Name: "Somebody"})

// resolving is an approved broadcast whose audience is still to be resolved.
func (w *world) resolving(title string, change ...func(*broadcast.Broadcast)) broadcast.ID {
	w.Helper()
	now := w.clock.now()
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), State: broadcast.Draft, Author: admin.ActorRef, CreatedAt: now, UpdatedAt: now,
		Message: broadcast.Message{Title: title, Body: "The **office** stays closed."}, Audience: somebody, Wave: 1, StartedAt: now,
	}
	for _, c := range change {
		c(b)
	}
	w.no(w.st.Create(w.Context(), b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, At: now}))
	w.put(b.ID, broadcast.Resolving, func(b *broadcast.Broadcast) { b.ApprovedHash = b.Hash() })
	return b.ID
}

// put moves a broadcast by no rule but the test's.
func (w *world) put(bid broadcast.ID, to broadcast.State, change func(*broadcast.Broadcast)) {
	w.Helper()
	b := must(w.st.Broadcast(w.Context(), bid))
	next := *b
	next.State = to
	if change != nil {
		change(&next)
	}
	must(w.st.Change(w.Context(), broadcast.Change{Before: b, After: &next, Move: broadcast.Move{BroadcastID: bid, Event: "test", From: b.State, To: to, At: w.clock.now()}}))
}

// sending is a broadcast in the middle of being sent; each page is a chunk.
func (w *world) sending(title string, pages ...[]broadcast.Recipient) broadcast.ID {
	w.Helper()
	return w.planned(broadcast.Plan{}, title, pages...)
}

// planned is that with a plan.
func (w *world) planned(plan broadcast.Plan, title string, pages ...[]broadcast.Recipient) broadcast.ID {
	w.Helper()
	bid := w.resolving(title, func(b *broadcast.Broadcast) { b.Plan = plan })
	for _, p := range pages {
		w.no(w.st.AddDeliveries(w.Context(), bid, p, 1))
	}
	w.put(bid, broadcast.Sending, func(b *broadcast.Broadcast) { b.ListedAt = w.clock.now() })
	return bid
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(bid broadcast.ID) *broadcast.Broadcast {
	w.Helper()
	return must(w.st.Broadcast(context.Background(), bid))
}

// in asserts a broadcast's state and returns it.
func (w *world) in(bid broadcast.ID, state broadcast.State) *broadcast.Broadcast {
	w.Helper()
	b := w.read(bid)
	if b.State != state {
		w.Fatalf("the broadcast is %s (%s), not %s: %+v", b.State, b.Reason, state, b.Tally)
	}
	return b
}

// deliveries reads every delivery by person and asserts that the tally is theirs.
func (w *world) deliveries(bid broadcast.ID) map[broadcast.EntraID]broadcast.Delivery {
	w.Helper()
	all := map[broadcast.EntraID]broadcast.Delivery{}
	var want broadcast.Tally
	for after := int64(0); ; {
		page := must(w.st.Recipients(context.Background(), broadcast.RecipientQuery{BroadcastID: bid, After: after, Limit: 500}))
		for _, d := range page.Deliveries {
			if _, twice := all[d.EntraID]; twice {
				w.Errorf("%s stands twice on the list", d.EntraID)
			}
			all[d.EntraID] = d
			want.Add(d.State, 1)
			if d.State == broadcast.DeliverySent && d.MaybeSent {
				want.MaybeRepeated++
			}
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if now, err := w.st.Standing(context.Background(), bid); err != nil || now.Tally != want {
		w.Fatalf("the tally says %+v and the deliveries %+v: %v", now.Tally, want, err)
	}
	return all
}

// tally is the truth about a broadcast (see deliveries).
func (w *world) tally(bid broadcast.ID) broadcast.Tally {
	w.Helper()
	w.deliveries(bid)
	return w.read(bid).Tally
}

// onceEach asserts that n people got a message, and nobody two.
func (w *world) onceEach(n int) {
	w.Helper()
	if r := w.sim.Report(); r.Reached != int64(n) || r.Repeats != 0 {
		w.Fatalf("%d people reached with %d repeats, want %d and none", r.Reached, r.Repeats, n)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// crowd is a directory that yields what a test wants.
type crowd struct {
	st      *store.Store
	members []broadcast.Recipient
	groups  map[string][]broadcast.Recipient // of other groups than the usual one
	step    func(i int) error                // called before the ith member; its error is yielded
}

func (c *crowd) Members(ctx context.Context, g broadcast.Group) iter.Seq2[broadcast.EntraID, error] {
	members := c.members
	if others, ok := c.groups[g.ID]; ok {
		members = others
	}
	return func(yield func(broadcast.EntraID, error) bool) {
		if err := c.save(ctx, members); err != nil {
			yield("", err)
			return
		}
		for i, m := range members {
			if c.step != nil {
				if err := c.step(i); err != nil {
					yield("", err)
					return
				}
			}
			if !yield(m.EntraID, nil) {
				return
			}
		}
	}
}

// save has everybody in the ledger's directory, as the real one does.
func (c *crowd) save(ctx context.Context, members []broadcast.Recipient) error {
	var patches []noun.Patch
	for _, m := range members {
		guest, yes := m.Excluded == broadcast.ReasonGuest, true
		patches = append(patches, noun.Patch{EntraID: m.EntraID, Guest: &guest, Enabled: &yes, Licensed: &yes})
	}
	return c.st.SavePeople(context.WithoutCancel(ctx), patches, nil)
}

func (c *crowd) Groups(context.Context, string, int) ([]broadcast.GroupHit, error) {
	return nil, fmt.Errorf("no test asks for groups")
}
