package pace

import (
	"math"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	// paceWindow is how far back the rate looks: long enough to be calm, short enough
	// to notice a pause.
	paceWindow = 60 * time.Second
	// paceStep is the stretch the rate is measured over again and again; how much
	// these differ is the estimate's uncertainty.
	paceStep = 4 * time.Second
	// paceRoom is how many broadcasts are kept in mind, paceForgets how long without
	// anybody looking.
	paceRoom    = 256
	paceForgets = 5 * time.Minute
)

// Estimate is how fast a broadcast comes along and when it may be done. It is
// measured, so it takes some seconds to be Known; Low and High bound the time left
// with about 95 % confidence, if things go on as they did.
type Estimate struct {
	Known     bool
	Rate      float64 // people per second who reached an end
	Low, High time.Duration
}

// Pace measures from the tallies somebody sees.
type Pace struct {
	seen []mark
}

type mark struct {
	at   time.Time
	done int
}

// See notes a tally at a time and forgets what is too old.
func (p *Pace) See(t broadcast.Tally, at time.Time) {
	if n := len(p.seen); n > 0 && at.Sub(p.seen[n-1].at) < paceStep/8 {
		return // many may look at once; one look is enough
	}
	p.seen = append(p.seen, mark{at, t.Done()})
	for len(p.seen) > 2 && at.Sub(p.seen[1].at) >= paceWindow {
		p.seen = p.seen[1:]
	}
}

// Rate is people per second who reached an end, over the last minute.
func (p *Pace) Rate() float64 {
	if len(p.seen) < 2 {
		return 0
	}
	return rateOf(p.seen[0], p.seen[len(p.seen)-1])
}

func rateOf(from, to mark) float64 {
	span := to.at.Sub(from.at).Seconds()
	if span <= 0 {
		return 0
	}
	return max(0, float64(to.done-from.done)/span)
}

// Estimate says how long the rest takes. It knows nothing before three steps of
// measuring, nor while nothing moves.
func (p *Pace) Estimate(t broadcast.Tally) Estimate {
	rate, off := p.Rate(), 0.0
	steps := p.steps()
	e := Estimate{Rate: rate}
	if rate <= 0 || len(steps) < 3 {
		return e
	}
	for _, r := range steps {
		off += (r - rate) * (r - rate)
	}
	// Twice the standard error of the mean; at least 3 %, because nobody knows better.
	err := max(0.03, 2*math.Sqrt(off/float64(len(steps)-1))/math.Sqrt(float64(len(steps)))/rate)
	left := float64(t.Left()) / rate
	e.Known = true
	e.Low = seconds(left / (1 + err))
	e.High = seconds(left / max(1-err, 0.25))
	return e
}

// steps are the rates of the stretches the window falls into.
func (p *Pace) steps() []float64 {
	var out []float64
	for i, from := 1, 0; i < len(p.seen); i++ {
		if p.seen[i].at.Sub(p.seen[from].at) >= paceStep {
			out = append(out, rateOf(p.seen[from], p.seen[i]))
			from = i
		}
	}
	return out
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s, 1e8) * float64(time.Second)).Round(time.Second)
}

// Meter keeps the pace of the broadcasts somebody looks at. The zero value is
// ready; it is safe for concurrent use.
type Meter struct {
	mu   sync.Mutex
	byID map[broadcast.ID]*Pace
}

// See notes how a broadcast stands and says what is known of its pace.
func (m *Meter) See(id broadcast.ID, now broadcast.Standing, at time.Time) Estimate {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.State != broadcast.Sending {
		delete(m.byID, id) // a pause says nothing of the speed after it
		return Estimate{}
	}
	p := m.byID[id]
	if p == nil {
		m.makeRoom(at)
		p = &Pace{}
		m.byID[id] = p
	}
	p.See(now.Tally, at)
	return p.Estimate(now.Tally)
}

func (m *Meter) makeRoom(at time.Time) {
	if m.byID == nil {
		m.byID = map[broadcast.ID]*Pace{}
	}
	for id, p := range m.byID {
		if len(m.byID) >= paceRoom || at.Sub(p.seen[len(p.seen)-1].at) > paceForgets {
			delete(m.byID, id)
		}
	}
}
