package web

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/form"
)

// stopped is the halt of the painted pages.
var stopped = &broadcast.Halt{Reason: broadcast.ReasonBotDisabled, Code: "BotDisabledByAdmin", Detail: nasty, At: noon}

func samplePlan() broadcast.Plan {
	return broadcast.Plan{
		Priority: broadcast.PriorityUrgent, ExpiresAt: noon.Add(48 * time.Hour), Canary: broadcast.Canary{Group: broadcast.Group{ID: group.ID, Name: nasty}, Auto: true, MaxFailedPercent: 5},
		Late: broadcast.LateUntilDate, LateUntil: noon.Add(72 * time.Hour), Repeats: broadcast.RepeatsAvoid,
	}
}

func plannedEdit(p editPage) editPage {
	p.Form.Plan = form.PlanOf(samplePlan())
	p.Form.Do = "add-ring:x"
	return p
}

func wrongPlan(p editPage) editPage {
	p.Form.Plan = form.Plan{
		Priority: "normal", Expires: form.Time{Typed: "soon"}, First: "people", People: nasty, GoOn: "auto", MaxFailed: "many", Late: "until_date", Repeats: "risk",
		RingSearch: nasty, RingLooked: true,
	}
	for _, field := range []string{"priority", "expires_at", "canary.people", "canary.group", "canary.max_failed_percent", "late", "late_until", "repeats"} {
		p.Problems = append(p.Problems, &broadcast.Error{Code: broadcast.Invalid, Field: "plan." + field, Message: "Not like this."})
	}
	return p
}

func correctionEdit(p editPage) editPage {
	b := *p.B
	b.Kind, b.Target = broadcast.KindEdit, "0190a1b2-c3d4-7000-8000-000000000002"
	p.B = &b
	return p
}

// planSamples is the page of a broadcast where something of its plan shows, and of
// what changes it.
func planSamples() []sample {
	changed := func(s broadcast.State, a broadcast.Actor, change func(*showPage)) showPage {
		p := showSample(s, a).data.(showPage)
		change(&p)
		p.stand()
		return p
	}
	held := changed(broadcast.Held, ada, func(p *showPage) {
		p.B.Plan, p.B.Wave = samplePlan(), 0
		p.First.Add(broadcast.DeliverySent, 48)
		p.First.Add(broadcast.DeliveryFailed, 2)
		p.Ask = "go"
	})
	heldAuditor := changed(broadcast.Held, dan, func(p *showPage) { p.Halt = stopped })
	listing := changed(broadcast.Sending, ada, func(p *showPage) { p.B.ListedAt, p.B.Expected, p.B.LateCount = time.Time{}, 1_000_000, 12 })
	retrying := changed(broadcast.Sent, ada, func(p *showPage) { p.Ask, p.Asked.Reason, p.Halt = "retry", broadcast.ReasonUnconfirmed, stopped })
	recalled := changed(broadcast.Sent, cora, func(p *showPage) {
		p.B.RecalledAt, p.Halt = noon, stopped
		edit, recall := *sampleBroadcast(broadcast.InReview), *sampleBroadcast(broadcast.Sending)
		edit.Kind, recall.Kind = broadcast.KindEdit, broadcast.KindRecall
		p.Passes = []broadcast.Broadcast{recall, edit}
	})
	asking := changed(broadcast.Sent, ada, func(p *showPage) { p.Ask, p.Asked = "recall", asked{Note: nasty, Problem: "Say why."} })
	out := []sample{
		{"show-held-go", "show", held},
		{"show-held-reader", "show", heldAuditor},
		{"show-listing", "show", listing},
		{"show-retry", "show", retrying},
		{"show-recalled", "show", recalled},
		{"show-recall-ask", "show", asking},
	}
	for _, s := range broadcast.States() {
		for _, kind := range []broadcast.BroadcastKind{broadcast.KindEdit, broadcast.KindRecall} {
			p := changed(s, ben, func(p *showPage) {
				p.B.Kind, p.B.Target, p.Target = kind, "0190a1b2-c3d4-7000-8000-000000000002", sampleBroadcast(broadcast.Sent)
				p.Target.Message.Title = nasty
			})
			out = append(out, sample{"show-" + string(kind) + "-" + string(s), "show", p})
		}
	}
	return out
}
