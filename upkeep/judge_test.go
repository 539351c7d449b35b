package upkeep

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// TestAnAppIsPutBackOnlyWhereThePersonsDoingWouldHaveBeenHeard is the one hard question
// of upkeep, row by row.
func TestAnAppIsPutBackOnlyWhereThePersonsDoingWouldHaveBeenHeard(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const hour, day = time.Hour, 24 * time.Hour
	has := Person{State: broadcast.InstallationInstalled, ChangedAt: ago(2 * day), ThereAt: ago(day)}
	with := func(change func(*Person)) Person {
		p := has
		change(&p)
		return p
	}
	usual := Rules{Now: now, Settle: hour, HearingSince: ago(3 * day), Repairs: true}
	rules := func(change func(*Rules)) Rules {
		r := usual
		change(&r)
		return r
	}
	in := func(s broadcast.InstallationState) Person { return with(func(p *Person) { p.State = s }) }
	gone, there := Seen{}, Seen{There: true}
	for _, c := range []struct {
		name   string
		person Person
		seen   Seen
		rules  Rules
		want   Verdict
	}{
		{"as the ledger says", has, there, usual, Verdict{Finding: Fine}},
		{"wanted and not there", in(broadcast.InstallationWanted), gone, usual, Verdict{Finding: Fine}},
		{"refused and not there", in(broadcast.InstallationRefused), gone, usual, Verdict{Finding: Fine}},
		{"removed and not there", in(broadcast.InstallationRemoved), gone, usual, Verdict{Finding: Fine}},

		{"a policy, for all we heard", has, gone, usual, Verdict{PutBack, broadcast.InstallationWanted, "", now.Add(hour)}},
		{"but repairs are off", has, gone, rules(func(r *Rules) { r.Repairs = false }), Verdict{Finding: Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished}},
		{"an event may be lost", has, gone, rules(func(r *Rules) { r.HearingSince = ago(hour) }), Verdict{Finding: Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished}},
		{"nobody knows when it was there", with(func(p *Person) { p.ThereAt = time.Time{} }), gone, usual, Verdict{Finding: Vanished, To: broadcast.InstallationRemoved, Reason: broadcast.ReasonVanished}},
		{"they removed it once before", with(func(p *Person) { p.Removed = true }), gone, usual, Verdict{Finding: Vanished, To: broadcast.InstallationRemoved}},
		{"Graph may be behind", with(func(p *Person) { p.ChangedAt = ago(hour / 2) }), gone, usual, Verdict{Finding: Fresh}},

		{"missed: installed by a policy", in(broadcast.InstallationWanted), there, usual, Verdict{Found, broadcast.InstallationInstalled, "", now}},
		{"missed: the policy allows it now", in(broadcast.InstallationRefused), there, usual, Verdict{Found, broadcast.InstallationInstalled, "", now}},
		{"missed: they added it again", in(broadcast.InstallationRemoved), there, usual, Verdict{Found, broadcast.InstallationInstalled, "", now}},
		{"removed a moment ago, and Graph is behind", with(func(p *Person) { p.State, p.ChangedAt = broadcast.InstallationRemoved, ago(time.Minute) }), there, usual, Verdict{Finding: Fresh}},
	} {
		if got := judge(c.person, c.seen, c.rules); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestVersionsAreComparedByTheirNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1.0.0", "1.0.1", true},
		{"1.0.10", "1.0.9", false},
		{"1.2", "1.2.0", false},
		{"1.2", "1.2.1", true},
		{"2.0.0", "10.0.0", true},
		{"1.0.0", "1.0.0", false},
		{"", "1.0.0", false},
		{"1.0.0", "", false},
		{"1.x", "1.1", true},
	} {
		if got := Older(c.a, c.b); got != c.want {
			t.Errorf("%q is older than %q: %v", c.a, c.b, got)
		}
	}
}

func TestAPassBeginsByItselfWhenItsTimeHasComeOrTheCatalogueHasNewerOnes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	week := 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		every time.Duration
		s     Standing
		want  Cause
	}{
		"never kept anything up":      {week, Standing{}, ""},
		"a week since the beginning":  {week, Standing{Since: now.Add(-week)}, Due},
		"a day since the beginning":   {week, Standing{Since: now.Add(-week / 7)}, ""},
		"a week since the last":       {week, Standing{Since: now.Add(-9 * week), Pass: &Pass{State: Done, BegunAt: now.Add(-week)}}, Due},
		"a day since the last":        {week, Standing{Since: now.Add(-9 * week), Pass: &Pass{State: Done, BegunAt: now.Add(-week / 7)}}, ""},
		"one is live":                 {week, Standing{Since: now.Add(-9 * week), Pass: &Pass{State: Paused, BegunAt: now.Add(-2 * week)}}, ""},
		"switched off":                {0, Standing{Since: now.Add(-9 * week), Target: "1.0", Published: "2.0"}, ""},
		"a newer one is published":    {week, Standing{Since: now, Target: "1.0.0", Published: "1.0.1"}, Published},
		"the last went for that":      {week, Standing{Since: now, Target: "1.0.1", Published: "1.0.1"}, ""},
		"it tells no version":         {week, Standing{Since: now, Target: "1.0.1"}, ""},
		"it was taken back to before": {week, Standing{Since: now, Target: "1.0.1", Published: "1.0.0"}, ""},
	} {
		k := &Keeper{Every: c.every, Now: func() time.Time { return now }}
		if got := k.due(c.s); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
