package web

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/admin"
	"github.com/fanfare/fanfare/welcome"
)

// welcomeMessage is one in a state.
func welcomeMessage(s broadcast.State) *broadcast.Broadcast {
	b := sampleBroadcast(s)
	b.Kind, b.Audience, b.Plan = broadcast.KindWelcome, broadcast.Everyone(), broadcast.Plan{}
	b.Message = inLanguages(welcome.Starter("Contoso News", "Cora Admin"))
	return b
}

// welcomeSamples are the welcome message's pages in each state.
func welcomeSamples() []sample {
	page := func(name string, o welcome.Overview) sample {
		o.Starter = welcome.Starter("Contoso News", nasty)
		return sample{"welcome-" + name, "welcome", admin.WelcomePage{Page: framed(cora, "Welcome message", "welcome"), Overview: o, Look: admin.WelcomeLook{Card: sampleCard, Message: o.Starter}}}
	}
	out := []sample{
		page("none", welcome.Overview{}),
		page("current", welcome.Overview{Current: welcomeMessage(broadcast.Sending), Past: []broadcast.Broadcast{*welcomeMessage(broadcast.Sent), *welcomeMessage(broadcast.Cancelled)}}),
		page("paused", welcome.Overview{Current: welcomeMessage(broadcast.Paused), Next: welcomeMessage(broadcast.Approved)}),
		page("failed", welcome.Overview{Current: welcomeMessage(broadcast.Failed), Next: welcomeMessage(broadcast.InReview)}),
		page("draft", welcome.Overview{Next: welcomeMessage(broadcast.Draft)}),
		page("rejected", welcome.Overview{Next: welcomeMessage(broadcast.Rejected)}),
	}
	for _, s := range broadcast.States() {
		for _, a := range []broadcast.Actor{ben, cora} {
			p := showSample(s, a).data.(showPage)
			p.B = welcomeMessage(s)
			p.stand()
			out = append(out, sample{"show-welcome-" + string(s) + "-" + a.Name[:3], "show", p})
		}
	}
	for _, ev := range []string{"send", "cancel", "approve"} {
		state, actor := broadcast.Approved, cora
		if ev == "approve" {
			state, actor = broadcast.InReview, ben
		}
		p := showSample(state, actor).data.(showPage)
		p.B, p.Ask = welcomeMessage(state), ev
		p.stand()
		out = append(out, sample{"show-welcome-ask-" + ev, "show", p})
	}
	edit := editSamples()[1].data.(editPage)
	edit.B = welcomeMessage(broadcast.Draft)
	return append(out, sample{"edit-welcome", "edit", edit})
}
