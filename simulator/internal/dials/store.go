package dials

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
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
)

var kinds = map[string]Kind{
	"none": Ordinary, "guest": Guest, "disabled": Disabled, "unlicensed": Unlicensed,
	"refused": Refused, "silent": Silent, "preinstalled": Preinstalled,
	"blocked": Blocked, "removed": Removed,
}

// Snapshot is one setting of all dials, never changed after it was taken.
type Snapshot struct {
	Dials
	named  map[int]Kind
	steps  [8]uint64 // cumulative thresholds out of a million, in order of Kind
	faults []*fault
	seed   uint64
}

type fault struct {
	Fault
	number int // 0: anybody
	seen   atomic.Int64
}

// Store keeps the current snapshot.
type Store struct {
	mu      sync.Mutex
	current atomic.Pointer[Snapshot]
	seed    uint64
	number  func(entraID string) (int, bool)
}

// NewStore starts with d. The function tells a person's number.
func NewStore(d Dials, seed int64, number func(entraID string) (int, bool)) *Store {
	s := &Store{seed: uint64(seed), number: number}
	s.current.Store(s.compile(d.clone(), nil))
	return s
}

// Now returns the present snapshot.
func (s *Store) Now() *Snapshot { return s.current.Load() }

// Dials returns a copy of the present dials.
func (s *Store) Dials() Dials { return s.Now().clone() }

// Set changes the dials. Counters of faults go on if the list is unchanged.
func (s *Store) Set(change func(*Dials)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	d := old.clone()
	change(&d)
	s.current.Store(s.compile(d, old))
}

func (s *Store) compile(d Dials, old *Snapshot) *Snapshot {
	snap := &Snapshot{Dials: d.clone(), named: make(map[int]Kind, len(d.Person)), seed: s.seed}
	for id, word := range d.Person {
		if n, ok := s.number(id); ok {
			snap.named[n] = kinds[word]
		}
	}
	sum := uint64(0)
	for i, mille := range []float64{
		d.GuestPerMille, d.DisabledPerMille, d.UnlicensedPerMille, d.RefusedPerMille,
		d.SilentPerMille, d.PreinstalledPerMille, d.BlockedPerMille, d.RemovedPerMille,
	} {
		sum += uint64(max(mille, 0) * 1000)
		snap.steps[i] = sum
	}
	if old != nil && reflect.DeepEqual(old.Fail, d.Fail) {
		snap.faults = old.faults
		return snap
	}
	for _, f := range d.Fail {
		n, ok := s.number(f.Person)
		if f.Person != "" && !ok {
			n = -1 // a person who does not exist never fails
		}
		snap.faults = append(snap.faults, &fault{Fault: f, number: n})
	}
	return snap
}

// lucky people are never struck by probability, so that demos and tests have
// somebody to rely on.
const lucky = 20

// Kind tells what is special about person n; a pure function of the number,
// the seed and the dials.
func (s *Snapshot) Kind(n int) Kind {
	if k, ok := s.named[n]; ok {
		return k
	}
	if n <= lucky {
		return Ordinary
	}
	h := Mix(s.seed, uint64(n)) % 1_000_000
	for i, step := range s.steps {
		if h < step {
			return Kind(i + 1)
		}
	}
	return Ordinary
}

// Fault finds the fault that strikes this request, if any. Number 0 means the
// request concerns nobody in particular.
func (s *Snapshot) Fault(operation string, number int) *Fault {
	for _, f := range s.faults {
		if !f.matches(operation, number) {
			continue
		}
		seen := f.seen.Add(1)
		switch {
		case seen <= int64(f.Skip), f.Next > 0 && seen > int64(f.Skip+f.Next):
			continue
		case f.PerMille > 0 && !Chance(s.seed, uint64(seen), f.PerMille):
			continue
		}
		return &f.Fault
	}
	return nil
}

func (f *fault) matches(operation string, number int) bool {
	if f.number != 0 && f.number != number {
		return false
	}
	if prefix, ok := strings.CutSuffix(f.Operation, "*"); ok {
		return strings.HasPrefix(operation, prefix)
	}
	return f.Operation == operation
}

// Known tells whether word is the name of a misfortune.
func Known(word string) bool { _, ok := kinds[word]; return ok }

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
