package dials

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is what sets a person apart from everybody else.
type Kind uint8

// The kinds of people.
const (
	Ordinary Kind = iota
	Guest
	Disabled
	Unlicensed
	Refused
	Silent
	Preinstalled
	Blocked
	Removed
	ChatDeleted
)

var kinds = map[string]Kind{
	"none": Ordinary, "guest": Guest, "disabled": Disabled, "unlicensed": Unlicensed,
	"refused": Refused, "silent": Silent, "preinstalled": Preinstalled,
	"blocked": Blocked, "removed": Removed, "chat_deleted": ChatDeleted,
}

// Snapshot is one setting of all dials, never changed after it was taken.
type Snapshot struct {
	Dials
	// Kinds is the same pointer as long as nobody's kind changed.
	Kinds  *Kinds
	faults []*fault
	seed   uint64
}

// Kinds decide what is special about whom.
type Kinds struct {
	named map[int]Kind
	steps [9]uint64 // cumulative thresholds out of a million, in order of Kind
}

// Store keeps the current snapshot.
type Store struct {
	mu      sync.Mutex
	current atomic.Pointer[Snapshot]
	seed    uint64
	number  func(entraID string) (int, bool)
	now     func() time.Time
	past    map[string]int64 // strikes of faults that are gone, by label
}

// NewStore starts with d. One function tells a person's number, the other the
// time by which the windows of faults are counted.
func NewStore(d Dials, seed int64, number func(entraID string) (int, bool), now func() time.Time) *Store {
	s := &Store{seed: uint64(seed), number: number, now: now, past: map[string]int64{}}
	s.current.Store(s.compile(d.clone(), &Snapshot{Kinds: &Kinds{}}))
	return s
}

// Now returns the present snapshot.
func (s *Store) Now() *Snapshot { return s.current.Load() }

// Dials returns a copy of the present dials.
func (s *Store) Dials() Dials { return s.Now().clone() }

// Set changes the dials. A fault that stays in the list goes on where it is.
func (s *Store) Set(change func(*Dials)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	d := old.clone()
	change(&d)
	s.current.Store(s.compile(d, old))
}

func (s *Store) compile(d Dials, old *Snapshot) *Snapshot {
	snap := &Snapshot{Dials: d.clone(), Kinds: s.kinds(d), seed: s.seed}
	if maps.Equal(snap.Kinds.named, old.Kinds.named) && snap.Kinds.steps == old.Kinds.steps {
		snap.Kinds = old.Kinds
	}
	left := append([]*fault(nil), old.faults...)
	for _, f := range d.Fail {
		snap.faults = append(snap.faults, s.fault(f, left))
	}
	for _, f := range left {
		if f != nil {
			s.past[f.Label()] += f.struck.Load()
		}
	}
	return snap
}

// fault takes an equal one over from the old list, or begins a new one.
func (s *Store) fault(f Fault, left []*fault) *fault {
	for i, old := range left {
		if old != nil && old.Fault == f {
			left[i] = nil
			return old
		}
	}
	n, ok := s.number(f.Person)
	if f.Person != "" && !ok {
		n = -1 // a person who does not exist never fails
	}
	return &fault{Fault: f, number: n, since: s.now()}
}

func (s *Store) kinds(d Dials) *Kinds {
	k := &Kinds{named: make(map[int]Kind, len(d.Person))}
	for id, word := range d.Person {
		if n, ok := s.number(id); ok {
			k.named[n] = kinds[word]
		}
	}
	sum := uint64(0)
	for i, mille := range []float64{
		d.GuestPerMille, d.DisabledPerMille, d.UnlicensedPerMille, d.RefusedPerMille,
		d.SilentPerMille, d.PreinstalledPerMille, d.BlockedPerMille, d.RemovedPerMille, d.ChatDeletedPerMille,
	} {
		sum += uint64(max(mille, 0) * 1000)
		k.steps[i] = sum
	}
	return k
}

// Struck counts how often each fault struck, by label.
func (s *Store) Struck() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := maps.Clone(s.past)
	for _, f := range s.Now().faults {
		counts[f.Label()] += f.struck.Load()
	}
	return counts
}

// ResetStruck sets the counts of strikes to zero; faults go on where they are.
func (s *Store) ResetStruck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.past)
	for _, f := range s.Now().faults {
		f.struck.Store(0)
	}
}

// Over tells which faults of the list have had their time.
func (s *Store) Over() map[Fault]bool {
	over, now := map[Fault]bool{}, s.now()
	for _, f := range s.Now().faults {
		if f.over(now) {
			over[f.Fault] = true
		}
	}
	return over
}

// lucky people are never struck by probability, so that demos and tests have
// somebody to rely on.
const lucky = 20

// Kind tells what is special about person n; a pure function of the number,
// the seed and the dials.
func (s *Snapshot) Kind(n int) Kind {
	if k, ok := s.Kinds.named[n]; ok {
		return k
	}
	if n <= lucky {
		return Ordinary
	}
	h := Mix(s.seed, uint64(n)) % 1_000_000
	for i, step := range s.Kinds.steps {
		if h < step {
			return Kind(i + 1)
		}
	}
	return Ordinary
}

// Fault finds the fault that strikes this request, if any.
func (s *Snapshot) Fault(r Request, now time.Time) *Fault {
	for _, f := range s.faults {
		if f.matches(r, now, s.seed) && f.strikes(r, s.seed) {
			return &f.Fault
		}
	}
	return nil
}

// Chance answers true in about perMille of 1000 cases, always the same for the
// same seed and index.
func Chance(seed, index uint64, perMille float64) bool {
	return float64(Mix(seed^0x5bd1e995, index)%1_000_000) < perMille*1000
}

// Mix is splitmix64: cheap, even, and the same on every machine.
func Mix(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
