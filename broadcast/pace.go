package broadcast

import "time"

// paceWindow is how far back the rate looks: long enough to be calm, short
// enough to notice a pause.
const paceWindow = 15 * time.Second

// Pace measures how fast a broadcast comes along from the tallies somebody sees
// of it, and how long the rest will take.
type Pace struct {
	seen []mark
}

type mark struct {
	at   time.Time
	done int
}

// See notes a tally at a time and forgets what is too old.
func (p *Pace) See(t Tally, at time.Time) {
	p.seen = append(p.seen, mark{at, t.Done()})
	for len(p.seen) > 2 && at.Sub(p.seen[1].at) >= paceWindow {
		p.seen = p.seen[1:]
	}
}

// Rate is people per second who reached an end, over the last seconds.
func (p *Pace) Rate() float64 {
	if len(p.seen) < 2 {
		return 0
	}
	first, last := p.seen[0], p.seen[len(p.seen)-1]
	span := last.at.Sub(first.at).Seconds()
	if span <= 0 {
		return 0
	}
	return max(0, float64(last.done-first.done)/span)
}

// Left is how long the rest takes at that rate; false when nobody can tell.
func (p *Pace) Left(t Tally) (time.Duration, bool) {
	rate := p.Rate()
	if rate <= 0 || t.Left() == 0 {
		return 0, t.Left() == 0
	}
	return time.Duration(float64(t.Left()) / rate * float64(time.Second)).Round(time.Second), true
}
