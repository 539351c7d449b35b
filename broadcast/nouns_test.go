package broadcast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

func TestTallyAddsUp(t *testing.T) {
	t.Parallel()
	var tally broadcast.Tally
	for i, s := range broadcast.DeliveryStates() {
		tally.Add(s, i+1)
		if tally.Of(s) != i+1 {
			t.Errorf("%s counts %d", s, tally.Of(s))
		}
	}
	if want := 7 * 8 / 2; tally.Total != want || tally.Left()+tally.Done() != want {
		t.Errorf("total %d, left %d, done %d", tally.Total, tally.Left(), tally.Done())
	}
}

func TestReasonsHaveWordsAndRemedies(t *testing.T) {
	t.Parallel()
	for _, r := range broadcast.Reasons() {
		if r.Words() == "" || r.Remedy() == "" {
			t.Errorf("%s has no words or no remedy", r)
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	a, b := broadcast.NewID(now), broadcast.NewID(now.Add(time.Millisecond))
	if a >= b || len(a) != 36 || a[14] != '7' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("not UUIDv7 in order: %s, %s", a, b)
	}
}
