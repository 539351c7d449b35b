package pace_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/pace"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func sending(total, sent int) broadcast.Standing {
	return broadcast.Standing{State: broadcast.Sending, Tally: broadcast.Tally{Total: total, Ready: total - sent, Sent: sent}}
}

func TestNothingIsKnownBeforeItWasMeasured(t *testing.T) {
	t.Parallel()
	var m pace.Meter
	for s := range 10 {
		if e := m.See("a", sending(3000, 45*s), start.Add(time.Duration(s)*time.Second)); e.Known {
			t.Fatalf("after %d seconds: %+v", s, e)
		}
	}
}

func TestAnEvenPaceIsNearlyCertain(t *testing.T) {
	t.Parallel()
	var m pace.Meter
	var e pace.Estimate
	for s := range 41 {
		e = m.See("a", sending(3000, 45*s), start.Add(time.Duration(s)*time.Second))
	}
	left := 1200.0 / 45
	if !e.Known || e.Rate < 44.9 || e.Rate > 45.1 || e.Low.Seconds() > left || e.High.Seconds() < left || e.High-e.Low > 3*time.Second {
		t.Errorf("%+v, want about %.0f s", e, left)
	}
}

func TestAnUnevenPaceSaysSo(t *testing.T) {
	t.Parallel()
	var even, uneven pace.Meter
	var e, u pace.Estimate
	sent := 0
	for s := range 61 {
		at := start.Add(time.Duration(s) * time.Second)
		e = even.See("a", sending(9000, 45*s), at)
		if s/10%2 == 0 {
			sent += 80
		} else {
			sent += 10
		}
		u = uneven.See("a", sending(9000, sent), at)
	}
	if u.High-u.Low < 4*(e.High-e.Low) {
		t.Errorf("uneven %+v, even %+v", u, e)
	}
}

func TestAPauseForgetsTheSpeed(t *testing.T) {
	t.Parallel()
	var m pace.Meter
	for s := range 41 {
		m.See("a", sending(3000, 45*s), start.Add(time.Duration(s)*time.Second))
	}
	m.See("a", broadcast.Standing{State: broadcast.Paused}, start.Add(41*time.Second))
	if e := m.See("a", sending(3000, 1800), start.Add(100*time.Second)); e.Known || e.Rate != 0 {
		t.Errorf("%+v", e)
	}
}
