package words_test

import (
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/web/words"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func now(s broadcast.State, t broadcast.Tally, rate float64, low, high time.Duration) words.Now {
	return words.Now{
		Standing: broadcast.Standing{State: s, Tally: t, Wave: 1, Listed: true}, At: noon,
		Pace: pace.Estimate{Known: rate > 0, Rate: rate, Low: low, High: high},
	}
}

func TestSpeedIsSaidInWords(t *testing.T) {
	t.Parallel()
	ready := broadcast.Tally{Total: 100, Ready: 100}
	slow := now(broadcast.Sending, ready, 20, 5*time.Minute, 7*time.Minute)
	slow.Brake.Slowed = 0.4
	paused := slow
	paused.Brake.PausedUntil = noon.Add(11500 * time.Millisecond)
	out := paused
	out.Brake.Outage = true
	first := now(broadcast.Sending, ready, 0, 0, 0)
	first.Wave = 0
	retrying := slow
	retrying.Retrying = true
	listing := now(broadcast.Sending, broadcast.Tally{Total: 10, Sent: 10}, 0, 0, 0)
	listing.Listed, listing.Expected = false, 100
	for _, c := range []struct {
		n    words.Now
		want string
	}{
		{now(broadcast.Sent, broadcast.Tally{Total: 3, Sent: 3}, 0, 0, 0), ""},
		{now(broadcast.Paused, ready, 5, 0, 0), "Paused."},
		{now(broadcast.Held, ready, 5, 0, 0), "Held after the first wave."},
		{now(broadcast.Sending, broadcast.Tally{Total: 3, Sent: 2, Pending: 1}, 5, 0, 0), "Waiting for 1 person to get the app."},
		{now(broadcast.Sending, ready, 0, 0, 0), "Measuring the speed…"},
		{now(broadcast.Sending, ready, 45, 6*time.Hour, 7*time.Hour), "45 a second; 6 to 7 hours left."},
		{now(broadcast.Sending, ready, 5, 20*time.Second, 22*time.Second), "5.0 a second; less than a minute left."},
		{now(broadcast.Sending, broadcast.Tally{Total: 6000, Ready: 5000, Pending: 1000}, 50, 118*time.Second, 122*time.Second), "50 a second; about 2 minutes left, longer for those who still wait for the app."},
		{slow, "20 a second, 40 % slower because Teams asked for it; 5 to 7 minutes left."},
		{out, "Teams does not answer. Trying again in 12 seconds; nobody is lost."},
		{paused, "Teams is holding us up: nothing is sent for another 12 seconds."},
		{first, "Only the first wave gets it for now."},
		{retrying, "Getting those who failed ready again…"},
		{listing, "Measuring the speed…"},
	} {
		if got := c.n.Speed(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAStretchOfTimeIsSaidWithItsUncertainty(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		low, high time.Duration
		want      string
	}{
		{20 * time.Second, 40 * time.Second, "less than a minute"},
		{70 * time.Second, 80 * time.Second, "about 1 minute"},
		{5 * time.Minute, 7 * time.Minute, "5 to 7 minutes"},
		{10 * time.Second, 4 * time.Minute, "at most 4 minutes"},
		{80 * time.Minute, 100 * time.Minute, "about 1.5 hours"},
		{5 * time.Hour, 6*time.Hour + 20*time.Minute, "5 to 6.5 hours"},
		{20 * time.Hour, 22 * time.Hour, "20 to 22 hours"},
		{70 * time.Hour, 100 * time.Hour, "3 to 4 days"},
	} {
		if got := words.Between(c.low, c.high); got != c.want {
			t.Errorf("%v to %v is %q, want %q", c.low, c.high, got, c.want)
		}
	}
}

func TestTheHeadCountIsKnownBeforeTheListIsWritten(t *testing.T) {
	t.Parallel()
	n := words.Now{Standing: broadcast.Standing{State: broadcast.Sending, Expected: 1_000_000, Tally: broadcast.Tally{Total: 412_000, Sent: 9_000, Ready: 403_000}, LateCount: 1}}
	if got, want := n.Line(), "9,000 of 1,000,000 people reached, 991,000 to go."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := n.Listing(), "412,000 of 1,000,000 people are on the list; sending has begun."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := n.Late(), "1 person got the app after the list was fixed and was added to it."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if n.Listed = true; n.Listing() != "" {
		t.Errorf("a whole list is still being written: %q", n.Listing())
	}
	for kind, want := range map[broadcast.BroadcastKind]string{
		broadcast.KindEdit: "Corrected for 3 of 5 people.", broadcast.KindRecall: "Taken back from 3 of 5 people.", broadcast.KindAnnouncement: "3 of 5 people reached.",
	} {
		over := words.Now{Kind: kind, Standing: broadcast.Standing{State: broadcast.Sent, Tally: broadcast.Tally{Total: 5, Sent: 3, Failed: 2}}}
		if got := over.Line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// said is sentences as one would hear them.
func said(all []words.Sentence) string {
	out := ""
	for _, s := range all {
		out += s.Before
		if !s.At.IsZero() {
			out += words.UTC(s.At)
		}
		out += s.After + "|"
	}
	return out
}

func TestAPlanIsSaidInSentences(t *testing.T) {
	t.Parallel()
	sales := broadcast.Group{ID: "g", Name: "Sales"}
	for _, c := range []struct {
		plan  broadcast.Plan
		short string
		whole string
	}{
		{
			broadcast.Plan{},
			"As usual: normal priority, everybody at once, no expiry|",
			"Normal priority: it shares the way fairly with what else is being sent.|Everybody gets it at once, without a first wave.|" +
				"It has no expiry: everybody gets it, however long that takes.|People who get the app while it is being sent get it too.|" +
				"What Teams does not confirm is sent again: nobody misses it, a few may get it twice.|",
		},
		{
			broadcast.Plan{
				Priority: broadcast.PriorityUrgent, ExpiresAt: noon, Canary: broadcast.Canary{Group: sales, Auto: true, MaxFailedPercent: 5},
				Late: broadcast.LateUntilDate, LateUntil: noon, Repeats: broadcast.RepeatsAvoid,
			},
			"Urgent|“Sales” first|expires 21 Nov 2026, 12:00 UTC|late joiners until 21 Nov 2026, 12:00 UTC|no repeats|",
			"Urgent: it overtakes everything else that is being sent.|First those of them who are in “Sales” get it; then it goes on by itself, or is held if more than 5 % of them failed.|" +
				"Whoever is not reached by 21 Nov 2026, 12:00 UTC does not get it any more.|People who get the app by 21 Nov 2026, 12:00 UTC get it too, even after it is finished.|" +
				"What Teams does not confirm is not sent again: nobody gets it twice, a few may miss it.|",
		},
		{
			broadcast.Plan{Priority: broadcast.PriorityBulk, Canary: broadcast.Canary{People: 1}, Late: broadcast.LateNever},
			"Bulk|1 person first|no late joiners|",
			"Bulk: it steps aside for everything more pressing, but never stands still.|First 1 person gets it; then it is held until somebody lets it go on.|" +
				"It has no expiry: everybody gets it, however long that takes.|People who get the app only later do not get it.|" +
				"What Teams does not confirm is sent again: nobody misses it, a few may get it twice.|",
		},
	} {
		if got := said(words.PlanInShort(&broadcast.Broadcast{Plan: c.plan})); got != c.short {
			t.Errorf("%q, want %q", got, c.short)
		}
		if got := said(words.Plan(&broadcast.Broadcast{Plan: c.plan})); got != c.whole {
			t.Errorf("%q, want %q", got, c.whole)
		}
	}
	if got := said(words.Plan(&broadcast.Broadcast{Kind: broadcast.KindRecall, Plan: broadcast.Plan{Priority: broadcast.PriorityUrgent}})); got != "Urgent: it overtakes everything else that is being sent.|" {
		t.Errorf("a recall: %q", got)
	}
}

func TestPeopleAndChannelsAreCountedApart(t *testing.T) {
	t.Parallel()
	channel := func(id string) audience.Part { return audience.Part{Kind: audience.Channel, ID: id} }
	everyone := broadcast.Everyone()
	channels := audience.Of(channel("19:a"), channel("19:b"), channel("19:a"))
	both := audience.Of(append(channels.Include, everyone.Include...)...)
	for _, c := range []struct {
		of           broadcast.Audience
		n            int
		count, whole string
	}{
		{everyone, 1206, "1,206 people", "1,206 people"},
		{everyone, 1, "1 person", "1 person"},
		{channels, 2, "2 channels", "2 channels"},
		{channels, 1, "1 channel", "1 channel"},
		{both, 1206, "1,206 recipients", "1,204 people and 2 channels"},
		{both, 3, "3 recipients", "1 person and 2 channels"},
		{both, 1, "1 recipient", "1 recipient"}, // somebody is missing: it is not said who
	} {
		if got := words.Count(c.of, c.n); got != c.count {
			t.Errorf("%q, want %q", got, c.count)
		}
		if got := words.Whole(c.of, c.n); got != c.whole {
			t.Errorf("%q, want %q", got, c.whole)
		}
	}
	for want, r := range map[string]broadcast.Reach{
		"0 people":                   {Total: 4},
		"7 people and 1 channel":     {Total: 9, Ready: 3, Waiting: 4, Channels: 1},
		"2 channels":                 {Channels: 2},
		"0 people and 2 channels":    {Total: 5, Channels: 2},
		"1,204 people":               {Total: 1204, Ready: 1204},
		"1,000 people and 1 channel": {Total: 1000, Waiting: 1000, Channels: 1},
	} {
		if got := words.Reached(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := words.Meant(broadcast.Reach{Total: 9, Ready: 3, Channels: 1}); got != "9 people and 1 channel" {
		t.Errorf("%q", got)
	}
	n := words.Now{Standing: broadcast.Standing{State: broadcast.Sending, Expected: 6, Tally: broadcast.Tally{Total: 6, Sent: 2, Ready: 4}}, To: both}
	if got := n.Line(); got != "2 of 6 recipients reached, 4 to go." {
		t.Errorf("%q", got)
	}
}
