package web

import (
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/people"
)

// someone is a person about whom everything is known.
func someone(change func(p *who.Person)) who.Person {
	p := who.Person{
		Person: noun.Person{
			EntraID: entraID(1), Name: nasty, UPN: "ada@contoso.example", Mail: "ada@contoso.example", Type: noun.Member, Enabled: true, Licensed: true,
			Department: "Sales " + nasty, Office: "Berlin", City: "Berlin", Country: "Germany", UsageLocation: "DE", JobTitle: "Director", Language: "de-DE", TimeZone: "Europe/Berlin",
		},
		Manager: broadcast.ActorRef{ID: entraID(2), Name: "Mia Marino"}, Since: noon,
		Bot: who.Bot{State: broadcast.InstallationInstalled, Addressed: true, UpdatedAt: noon},
	}
	change(&p)
	return p
}

func peopleSamples() []sample {
	list := people.ListPage{Page: framed(ada, "People", "people")}
	none := list
	none.Text = nasty
	full := list
	full.Text, full.First, full.Next, full.Warning = "ada", "/people?q=ada", "/people?q=ada&after=x", "The directory was last read 2 days ago. "+nasty
	for _, change := range someones() {
		full.People = append(full.People, someone(change))
	}
	out := []sample{{"people", "people", list}, {"people-none", "people", none}, {"people-full", "people", full}}
	for name, change := range someones() {
		out = append(out, sample{"person-" + name, "person", personSample(someone(change))})
	}
	bare := people.ShowPage{Page: framed(cora, "Unknown person", "people"), S: who.Story{Person: who.Person{Person: noun.Person{EntraID: entraID(1)}}}}
	bare.Facts = people.FactsOf(bare.S.Person)
	bare.Tabs, _ = frame.PickTab(people.ShowTabs(), "all", func(n string) string { return frame.Link("/people/x", "show", n) })
	searching := bare
	searching.S.Next, searching.Next = "x", "/people/x?after=x"
	return append(out, sample{"person-bare", "person", bare}, sample{"person-searching", "person", searching})
}

// someones are people at whom each thing is different.
func someones() map[string]func(p *who.Person) {
	return map[string]func(p *who.Person){
		"good":    func(*who.Person) {},
		"halted":  func(p *who.Person) { p.Halt = broadcast.ReasonCredentials },
		"deleted": func(p *who.Person) { p.Deleted, p.GoneAt = true, noon },
		"b2b":     func(p *who.Person) { p.Guest, p.UPN = true, "ada_partner.example#EXT#@contoso.example" },
		"guest":   func(p *who.Person) { p.Guest, p.Type = true, noun.GuestType },
		"removed": func(p *who.Person) { p.Bot = who.Bot{State: broadcast.InstallationRemoved, UpdatedAt: noon} },
		"untouched": func(p *who.Person) {
			p.Bot, p.Manager, p.Enabled = who.Bot{}, broadcast.ActorRef{ID: entraID(3)}, true
		},
		"waiting": func(p *who.Person) {
			p.Bot = who.Bot{State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble, Detail: nasty, Attempts: 3, NotBefore: noon, UpdatedAt: noon}
		},
		"refused": func(p *who.Person) {
			p.Bot = who.Bot{State: broadcast.InstallationRefused, Reason: broadcast.ReasonPolicy, Detail: nasty, Attempts: 3, UpdatedAt: noon}
		},
	}
}

func personSample(p who.Person) people.ShowPage {
	story := who.Story{Person: p, Outlook: p.Outlook()}
	for i, e := range who.Events() {
		story.Moves = append(story.Moves, who.Move{At: noon.Add(-time.Duration(i) * time.Hour), Event: e, Reason: broadcast.ReasonTrouble, Detail: nasty})
	}
	story.Receipts = []who.Receipt{
		{ID: "1", Kind: broadcast.KindAnnouncement, Title: "Office closed on Friday", StartedAt: noon, Delivery: 1, State: broadcast.DeliverySent, Attempts: 1, MaybeSent: true, UpdatedAt: noon},
		{ID: "2", Kind: broadcast.KindRecall, Title: nasty, StartedAt: noon, Delivery: 2, State: broadcast.DeliveryFailed, Reason: broadcast.ReasonRejected, Code: "BadArgument", Detail: nasty, Attempts: 3, UpdatedAt: noon},
		{ID: "3", Kind: broadcast.KindAnnouncement, StartedAt: noon, Delivery: 3, State: broadcast.DeliverySkipped, Reason: broadcast.ReasonGuest, UpdatedAt: noon},
		{ID: "4", Kind: broadcast.KindAnnouncement, Title: "For Sales", StartedAt: noon},
		{ID: "5", Kind: broadcast.KindAnnouncement, Title: "Before they came", StartedAt: noon, Late: true},
	}
	out := people.ShowPage{
		Page: framed(cora, p.Name, "people"), S: story, Facts: people.FactsOf(p), First: "/people/x", Next: "/people/x?after=5", Warning: "Stale.",
	}
	out.Tabs, _ = frame.PickTab(people.ShowTabs(), "", func(n string) string { return frame.Link("/people/x", "show", n) })
	return out
}
