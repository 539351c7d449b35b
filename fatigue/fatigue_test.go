package fatigue_test

import (
	"slices"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/fatigue"
)

// got makes counts of week, month and people.
func got(all [][3]int) (out []broadcast.Got) {
	for _, g := range all {
		out = append(out, broadcast.Got{Week: g[0], Month: g[1], People: g[2]})
	}
	return out
}

func TestWhatPeopleGotReadsAsSentences(t *testing.T) {
	t.Parallel()
	s := fatigue.Of(got([][3]int{{0, 0, 700}, {1, 1, 200}, {1, 7, 12}, {2, 12, 40}, {5, 25, 2}, {9, 31, 1}, {0, 3, 45}}), fatigue.Limit{Number: 5, Percent: 10})
	want := []string{
		"In the last 7 days 212 of them got 1, 40 got 2, 3 got 5 or more.",
		"In the last 30 days 245 of them got 1 to 4, 12 got 5 to 9, 40 got 10 to 19, 3 got 20 or more.",
	}
	if got := s.Sentences(); !slices.Equal(got, want) || s.People != 1000 || s.Over != 3 {
		t.Errorf("%q, %+v", got, s)
	}
	if got := fatigue.Of(got([][3]int{{0, 0, 10}}), fatigue.Limit{Number: 5}).Sentences(); len(got) != 0 {
		t.Errorf("nobody got anything: %q", got)
	}
}

func TestItWarnsOnlyAboveBothThresholds(t *testing.T) {
	t.Parallel()
	some := func(tired int) []broadcast.Got { return got([][3]int{{0, 0, 100 - tired}, {5, 9, tired}}) }
	for name, c := range map[string]struct {
		got   []broadcast.Got
		limit fatigue.Limit
		warns bool
	}{
		"a tenth is not more than a tenth": {some(10), fatigue.Limit{Number: 5, Percent: 10}, false},
		"more than a tenth":                {some(11), fatigue.Limit{Number: 5, Percent: 10}, true},
		"this one would be the sixth":      {some(11), fatigue.Limit{Number: 6, Percent: 10}, false},
		"switched off":                     {some(100), fatigue.Limit{Number: 0, Percent: 10}, false},
		"anybody at all":                   {some(1), fatigue.Limit{Number: 1, Percent: 0}, true},
		"nobody":                           {nil, fatigue.Limit{Number: 1, Percent: 0}, false},
	} {
		if got := fatigue.Of(c.got, c.limit).Warning(); (got != "") != c.warns {
			t.Errorf("%s: %q", name, got)
		}
	}
	want := "With this one, 11 of them (11 %) would have got more than 5 announcements within 7 days. Consider whether it can wait, or who really needs it."
	if got := fatigue.Of(some(11), fatigue.Limit{Number: 5, Percent: 10}).Warning(); got != want {
		t.Errorf("%q", got)
	}
}
