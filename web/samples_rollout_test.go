package web

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/pace"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/admin"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

func sampleCounts() rollout.Counts {
	return rollout.Counts{
		Installed: 640, Addressed: 630, Wanted: 220, Refused: 14, Removed: 5, Blocked: 3, Untouched: 68,
		Reasons: map[broadcast.Reason]int{broadcast.ReasonPolicy: 12, broadcast.ReasonNoTeams: 2}, Excluded: map[broadcast.Reason]int{broadcast.ReasonGuest: 40, broadcast.ReasonDisabled: 10},
	}
}

// sampleRings are one in each state, and the last.
func sampleRings() []rollout.Ring {
	var out []rollout.Ring
	for i, s := range []rollout.RingState{rollout.Done, rollout.Held, rollout.Open, rollout.Waiting, rollout.Waiting} {
		out = append(out, rollout.Ring{
			ID: "0190a1b2-c3d4-7000-8000-00000000000" + string(rune('1'+i)), Name: "Ring " + nasty, Audience: audience.Of(audience.Part{Kind: audience.Group, ID: "g", Name: nasty}), ByItself: i%2 == 0,
			MaxFailedPercent: 5 * i, Settle: time.Duration(i) * 24 * time.Hour, State: s, OpenedAt: noon, DoneAt: noon, QuietSince: noon, Filled: true, Counts: sampleCounts(), Counted: i < 4,
		})
	}
	out[4].Problem = "The members of “Works Council” cannot be read. Choose another group."
	last := rollout.LastRing()
	last.Counts, last.Counted = sampleCounts(), true
	return append(out, last)
}

func rolloutSamples() []sample {
	running := rollout.Rollout{Plan: rollout.Plan{State: broadcast.RolloutRunning, By: cora.ActorRef, ChangedAt: noon, Rings: []rollout.Ring{rollout.LastRing()}}, Counts: sampleCounts(), DirectoryAt: noon}
	idle := running
	idle.State, idle.By, idle.ChangedAt, idle.DirectoryAt = broadcast.RolloutIdle, broadcast.ActorRef{}, time.Time{}, time.Time{}
	paused := running
	paused.State = broadcast.RolloutPaused
	ringed := running
	ringed.Rings = sampleRings()
	held := ringed
	held.State, held.Why, held.By = broadcast.RolloutPaused, "In the ring “Pilot” 5 of 40 installations failed: 12 %, and 10 % are allowed.", broadcast.EngineActor.ActorRef
	begins := ringed
	begins.State, begins.Rings = broadcast.RolloutIdle, sampleRings()[3:]
	var out []sample
	for name, r := range map[string]rollout.Rollout{"running": running, "idle": idle, "paused": paused, "rings": ringed, "held": held, "begins": begins} {
		for _, a := range []broadcast.Actor{cora, ada} {
			out = append(out, sample{"rollout-" + name + "-" + a.Name[:3], "rollout", rolloutSample(r, a)})
		}
	}
	return append(out, ringSamples(ringed, begins)...)
}

func rolloutSample(r rollout.Rollout, a broadcast.Actor) admin.RolloutPage {
	p := admin.RolloutPage{Page: framed(a, "Rollout", "rollout"), R: r, Now: admin.RolloutOf(r, pace.Estimate{Known: true, Rate: 21, Low: time.Hour, High: 2 * time.Hour}), Reasons: words.Shares(r.Reasons), Excluded: words.Shares(r.Excluded)}
	p.Scripts = []string{"rollout.js"}
	p.Tabs, p.Tab = frame.PickTab(admin.InstallTabs(r), "", func(n string) string { return frame.Link("/rollout", "state", n) })
	for i, s := range broadcast.InstallationStates() {
		p.Rows = append(p.Rows, broadcast.InstallRow{Installation: broadcast.Installation{EntraID: "e", State: s, Attempts: i, Reason: broadcast.ReasonPolicy, Detail: nasty}, Name: "Otto Okafor", UPN: "otto@contoso.example", UpdatedAt: noon})
	}
	if r.State == broadcast.RolloutIdle && !r.InRings() {
		p.Rows, p.Ask = nil, "start"
		return p
	}
	var samples []rollout.Sample
	for n := range 40 {
		c := rollout.Counts{Installed: 16 * n, Refused: n / 3, Wanted: 700 - 17*n, Untouched: 3 * n, Reasons: map[broadcast.Reason]int{broadcast.ReasonPolicy: n / 3}}
		samples = append(samples, rollout.Sample{At: noon.Add(time.Duration(n-45) * time.Minute), Counts: c})
	}
	p.Chart = admin.ChartOf(samples, noon)
	p.Query.Department = nasty
	for _, ev := range rollout.Events() {
		p.Moves = append(p.Moves, rollout.Move{At: noon, Event: ev, Ring: nasty, Note: nasty, By: cora.ActorRef})
	}
	return p
}

func ringSamples(ringed, begins rollout.Rollout) []sample {
	var out []sample
	for name, p := range map[string]admin.RingsPage{"counted": {R: ringed, Counted: true}, "uncounted": {R: begins}, "begins": {R: begins, Counted: true}} {
		p.Page = framed(cora, "Rings", "rollout")
		p.Scripts = []string{"rings.js"}
		out = append(out, sample{"rings-" + name, "rings", p})
	}
	edit := admin.RingPage{Page: framed(cora, "Ring", "rollout"), ID: "r", Name: nasty, Most: "x", Settle: "77", Form: form.Draft{Audience: ringed.Rings[0].Audience}}
	edit.Scripts = []string{"scopes.js"}
	edit.Problems = broadcast.Problems{{Code: broadcast.Invalid, Field: "name", Message: nasty}, {Code: broadcast.Invalid, Field: "max_failed_percent", Message: nasty}}
	last := admin.RingPage{Page: framed(cora, "Ring", "rollout"), ID: rollout.Last, Name: "Everyone", Most: "100", Settle: "0", Trouble: nasty}
	out = append(out, sample{"ring-edit", "ring", edit}, sample{"ring-last", "ring", last})
	for i, name := range []string{"opened", "held", "open", "ready", "unread"} {
		p := admin.OpenPage{Page: framed(cora, "Open a ring", "rollout"), R: begins, Ring: ringed.Rings[i]}
		if i == 3 {
			p.Ring, p.Before = begins.Rings[0], &ringed.Rings[0]
			p.Ring.Counted = true
		}
		out = append(out, sample{"ring-open-" + name, "ring_open", p})
	}
	shares := []rollout.Share{{Value: nasty, Counts: sampleCounts()}, {Value: "", Counts: sampleCounts()}}
	return append(out, sample{"rollout-by", "rollout_by", admin.ByPage{Page: framed(ada, "Rollout by country", "rollout"), Field: "country", Shares: shares, More: 3}},
		sample{"rollout-by-none", "rollout_by", admin.ByPage{Page: framed(ada, "Rollout by department", "rollout"), Field: "department"}})
}
