package simulator

import (
	"iter"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// Copies is how many people have how many copies of one broadcast.
type Copies struct {
	Broadcast string `json:"broadcast"`
	// Got is people by how many copies ever came to them, Held by how many they
	// hold now; 0 is everybody else of the organisation.
	Got  map[int]int `json:"got"`
	Held map[int]int `json:"held"`
	// Repeated lists people who got more than one copy, as many as were asked
	// for; Unexcused counts the copies beyond each person's first that no lost
	// answer excuses (protocol K row 28).
	Repeated  []string `json:"repeated"`
	Unexcused int      `json:"unexcused"`
}

// PersonCopies are one person's copies of a broadcast.
type PersonCopies struct {
	EntraID string `json:"entra_id"`
	tenant.Copies
}

// Copies counts people by copies; limit bounds the list of people with repeats.
// It looks at everybody: about 0.1 s for a million.
func (s *Simulator) Copies(broadcast string, limit int) Copies {
	c := Copies{Broadcast: broadcast, Got: map[int]int{}, Held: map[int]int{}, Repeated: []string{}}
	reached := 0
	for p := range s.EachCopies(broadcast) {
		reached++
		c.Got[int(p.Got)]++
		c.Held[int(p.Held)]++
		if p.Got > 1 && len(c.Repeated) < limit {
			c.Repeated = append(c.Repeated, p.EntraID)
		}
		c.Unexcused += int(max(p.Got-1-p.Unheard, 0))
	}
	others := s.world.Tenant.People() - reached
	c.Got[0] += others
	c.Held[0] += others
	return c
}

// EachCopies goes through everybody who ever got the broadcast, in the order of
// their numbers.
func (s *Simulator) EachCopies(broadcast string) iter.Seq[PersonCopies] {
	return func(yield func(PersonCopies) bool) {
		s.world.Tenant.EachCopies(broadcast, 0, func(n int, c tenant.Copies) bool {
			return yield(PersonCopies{tenant.EntraID(n), c})
		})
	}
}

// CopiesOf returns one person's copies of a broadcast.
func (s *Simulator) CopiesOf(broadcast, entraID string) PersonCopies {
	p := PersonCopies{EntraID: entraID}
	if n, ok := tenant.Number(entraID); ok {
		p.Copies = s.world.Tenant.CopiesOf(broadcast, n)
	}
	return p
}

// Rates is the history by second, by the machine's clock. All lists have the
// same length; the first entry is the second From, the last is the present one,
// which is not over yet.
type Rates struct {
	Now  time.Time `json:"now"`
	From time.Time `json:"from"`
	// Requests by operation in the second in which they came; Throttled are
	// those answered 429. Operations without any are left out.
	Requests  map[string][]int `json:"requests"`
	Throttled map[string][]int `json:"throttled"`
	// Stored are the bot's messages put into chats, of all and by broadcast (the
	// latest 256 broadcasts).
	Stored            []int            `json:"stored"`
	StoredByBroadcast map[string][]int `json:"stored_by_broadcast"`
}

// Rates returns the last seconds, at most 900.
func (s *Simulator) Rates(seconds int) Rates {
	seconds = min(max(seconds, 1), meter.Kept)
	now := s.world.Clock()
	r := Rates{Now: now.UTC(), From: time.Unix(now.Unix()-int64(seconds)+1, 0).UTC()}
	r.Requests, r.Throttled = s.world.Meter.History(now, seconds)
	r.Stored, r.StoredByBroadcast = s.world.Tenant.Pace(now, seconds)
	return r
}
