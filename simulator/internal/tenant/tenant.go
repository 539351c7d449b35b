package tenant

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// Identity is who the tenant and its one bot are.
type Identity struct{ TenantID, BotID, ManifestID, TeamsAppID string }

// Tenant is the organisation. Create it with New.
type Tenant struct {
	Identity
	// Dials decide what is special about whom; Now is the simulator's clock.
	Dials *dials.Store
	Now   func() time.Time

	people atomic.Int64
	shards [shardCount]shard

	directory  directory
	broadcasts broadcasts
	watch      watchers
	teams      teams

	versions versions

	installs atomic.Int64 // raised whenever somebody's installation changes
	counted  atomic.Pointer[installCount]
	pace     meter.Seconds // messages stored by second

	epoch    atomic.Int64 // raised by ResetReport: counts of older epochs are void
	messages atomic.Int64
	reached  atomic.Int64
	repeats  atomic.Int64
	updates  atomic.Int64
	deletes  atomic.Int64
}

// shardCount is how many locks the chats share.
const shardCount = 256

// New returns a tenant of that many people.
func New(id Identity, people int, store *dials.Store, now func() time.Time) *Tenant {
	t := &Tenant{Identity: id, Dials: store, Now: now}
	t.people.Store(int64(people))
	for i := range t.shards {
		t.shards[i].pages = map[int]*[pageSize]chat{}
	}
	t.broadcasts.byKey = map[string]*broadcast{}
	t.teams.init()
	t.newest() // what was installed before anybody looked has the first one
	return t
}

// People is the number of people ever hired; numbers run from 1.
func (t *Tenant) People() int { return int(t.people.Load()) }

// Person returns person n as the directory knows them now. It answers false for
// people who do not exist or were deleted.
func (t *Tenant) Person(n int) (Person, bool) {
	if n < 1 || n > t.People() {
		return Person{}, false
	}
	p := Compute(n, t.Dials.Now().Kind(n))
	if !t.directory.apply(&p) {
		return Person{}, false
	}
	return p, true
}

// Exists tells whether the directory knows person n, without computing them.
func (t *Tenant) Exists(n int) bool {
	return n >= 1 && n <= t.People() && !t.directory.isDeleted(n)
}

// wall is the machine's time: the simulator's without the dial that moves it.
func (t *Tenant) wall() time.Time {
	return t.Now().Add(-time.Duration(t.Dials.Now().ClockOffsetMS) * time.Millisecond)
}

// Find returns the person with that Entra ID or user principal name.
func (t *Tenant) Find(idOrUPN string) (Person, bool) {
	if n, ok := Number(idOrUPN); ok {
		return t.Person(n)
	}
	for i := range standard {
		if p, ok := t.Person(i + 1); ok && strings.EqualFold(p.UPN, idOrUPN) {
			return p, true
		}
	}
	n, ok := numberFromUPN(idOrUPN)
	if !ok {
		return Person{}, false
	}
	p, ok := t.Person(n)
	return p, ok && strings.EqualFold(p.UPN, idOrUPN)
}
