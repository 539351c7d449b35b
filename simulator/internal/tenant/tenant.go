package tenant

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
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
	shards [256]shard

	directory  directory
	broadcasts broadcasts
	watch      watchers
	teams      teams

	epoch    atomic.Int64 // raised by ResetReport: counts of older epochs are void
	messages atomic.Int64
	reached  atomic.Int64
	repeats  atomic.Int64
	updates  atomic.Int64
	deletes  atomic.Int64
}

type shard struct {
	mu    sync.Mutex
	chats map[int]*chat
}

// New returns a tenant of that many people.
func New(id Identity, people int, store *dials.Store, now func() time.Time) *Tenant {
	t := &Tenant{Identity: id, Dials: store, Now: now}
	t.people.Store(int64(people))
	for i := range t.shards {
		t.shards[i].chats = map[int]*chat{}
	}
	t.broadcasts.byKey = map[string]*broadcast{}
	t.teams.init()
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

// with runs do under the lock of person n's chat, which it creates if needed.
func (t *Tenant) with(n int, do func(*chat)) {
	s := &t.shards[n%len(t.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[n]
	if c == nil {
		kind := t.Dials.Now().Kind(n)
		c = &chat{installed: kind == dials.Preinstalled, generation: 1}
		s.chats[n] = c
	}
	if epoch := t.epoch.Load(); c.epoch != epoch {
		c.epoch, c.reached, c.copies = epoch, false, nil
	}
	do(c)
}

// peek runs do under the lock if the person was ever touched.
func (t *Tenant) peek(n int, do func(*chat)) bool {
	s := &t.shards[n%len(t.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[n]
	if c != nil {
		do(c)
	}
	return c != nil
}

// Touched returns the numbers of people with a chat, unordered.
func (t *Tenant) Touched() []int {
	var numbers []int
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for n := range s.chats {
			numbers = append(numbers, n)
		}
		s.mu.Unlock()
	}
	return numbers
}
