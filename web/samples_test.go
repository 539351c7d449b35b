package web

import (
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/web/admin"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/words"
)

// The people and moments of the painted pages.
var (
	ada   = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "ada", Name: "Ada Author"}, Roles: []broadcast.Role{broadcast.RoleAuthor}}
	ben   = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "ben", Name: "Ben Approver"}, Roles: []broadcast.Role{broadcast.RoleApprover}}
	cora  = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "cora", Name: "Cora Admin"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}
	dan   = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "dan", Name: "Dan Auditor"}, Roles: []broadcast.Role{broadcast.RoleAuditor}}
	noon  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	group = broadcast.Group{ID: "0a0b0c0d-1111-4222-8333-444455556666", Name: "Sales Europe"}
)

// nasty is text that would break a page which escapes badly.
const nasty = `</script><img src=x onerror=alert(1)> "quoted" & 'more' {{.}}`

func sampleMessage() broadcast.Message {
	return broadcast.Message{
		Title: "Office closed on Friday", Body: "Dear all,\n\nthe office in **Lisbon** stays closed on Friday.\n\n- Work from home\n- Badges stop working at noon",
		ImageURL: "https://intranet.example/lisbon.png", ImageAlt: "The office in Lisbon",
		Buttons: []broadcast.Button{{Title: "Read more", URL: "https://intranet.example/closed"}, {Title: "Ask us", URL: "https://intranet.example/ask"}},
	}
}

func sampleBroadcast(s broadcast.State) *broadcast.Broadcast {
	b := &broadcast.Broadcast{
		ID: "0190a1b2-c3d4-7000-8000-000000000001", Kind: broadcast.KindAnnouncement, Wave: 1, State: s, Revision: 3, Message: sampleMessage(), Audience: broadcast.Everyone(),
		Author: ada.ActorRef, Editors: []broadcast.EntraID{ada.ID}, CreatedAt: noon, UpdatedAt: noon,
	}
	switch s {
	case broadcast.Draft:
		return b
	case broadcast.Rejected, broadcast.Failed, broadcast.Cancelled, broadcast.Paused:
		b.Reason = "The date is wrong: " + nasty
	case broadcast.Scheduled:
		b.DueAt = noon.Add(26 * time.Hour)
	}
	b.SubmittedBy = ada.ActorRef
	if s != broadcast.InReview && s != broadcast.Rejected {
		b.ApprovedBy, b.ApprovedHash = ben.ActorRef, b.Hash()
	}
	switch s {
	case broadcast.Sending, broadcast.Paused, broadcast.Failed, broadcast.Held:
		b.StartedAt, b.ListedAt, b.Tally = noon, noon, sampleTally(412)
	case broadcast.Sent:
		b.StartedAt, b.FinishedAt, b.Tally = noon, noon.Add(time.Hour), sampleTally(0)
	case broadcast.Cancelled:
		b.StartedAt, b.FinishedAt = noon, noon.Add(time.Hour)
		b.Tally = sampleTally(0)
	}
	return b
}

func sampleTally(left int) broadcast.Tally {
	var t broadcast.Tally
	t.Add(broadcast.DeliverySent, 12_345)
	t.Add(broadcast.DeliverySkipped, 310)
	t.Add(broadcast.DeliveryFailed, 12)
	t.Add(broadcast.DeliveryReady, left)
	t.Add(broadcast.DeliveryPending, left/2)
	t.MaybeRepeated = 3
	return t
}

// scopeSamples are the pages of whom authors may reach.
func scopeSamples() []sample {
	list := admin.ScopesPage{Page: framed(cora, "Scopes", "scopes")}
	full := list
	full.Default = &scope.Scope{Person: broadcast.ActorRef{ID: scope.Default}, Audience: broadcast.Everyone(), By: cora.ActorRef, At: noon}
	full.Own = []scope.Scope{{Person: ada.ActorRef, Audience: broadcast.InGroups(group, broadcast.Group{ID: "x", Name: nasty}), By: cora.ActorRef, At: noon}, {Person: ben.ActorRef, By: cora.ActorRef, At: noon}}
	full.Others = []broadcast.ActorRef{{ID: "dan", Name: nasty}, dan.ActorRef}
	full.Changes = []scope.Change{
		{Person: ada.ActorRef, From: broadcast.InGroups(group), To: broadcast.Everyone(), By: cora.ActorRef, At: noon},
		{Person: ada.ActorRef, To: broadcast.InGroups(group), By: cora.ActorRef, At: noon},
		{Person: ada.ActorRef, From: broadcast.InGroups(group), By: cora.ActorRef, At: noon},
	}
	full.Text, full.Found = nasty, []audience.Hit{{Part: audience.Part{Kind: audience.Person, ID: "x", Name: nasty}, Note: nasty}}
	none, away := list, list
	none.Text, away.Text, away.Problem = nasty, "A", "The search does not answer right now."
	one := admin.ScopePage{Page: framed(cora, "Whom Ada may reach", "scopes"), Person: ada.ActorRef}
	one.Scripts = []string{"scopes.js"}
	filled := one
	filled.Set, filled.Form.Audience = true, broadcast.InGroups(group)
	filled.Form.Audience.Exclude = []audience.Part{{Kind: audience.Attribute, Field: audience.Department, Values: []string{nasty}}}
	filled.Searched, filled.Hits = true, full.Found
	wrong := one
	wrong.Person, wrong.Set, wrong.Problems = broadcast.ActorRef{ID: scope.Default}, true, broadcast.Problems{{Code: broadcast.Invalid, Field: "audience", Message: nasty}}
	broken := filled
	broken.Trouble = "What is stored cannot be read."
	return []sample{
		{"scopes-none", "scopes", list},
		{"scopes-full", "scopes", full},
		{"scopes-nobody-found", "scopes", none},
		{"scopes-search-away", "scopes", away},
		{"scope-blank", "scope", one},
		{"scope-filled", "scope", filled},
		{"scope-wrong", "scope", wrong},
		{"scope-broken", "scope", broken},
	}
}

func sampleReach() *reachPart {
	excluded := map[broadcast.Reason]int{broadcast.ReasonGuest: 41, broadcast.ReasonDisabled: 7, broadcast.ReasonBlocked: 1}
	return &reachPart{
		Reach: broadcast.Reach{Total: 1000, Ready: 930, Waiting: 21, Excluded: excluded, Channels: 2, Sample: []string{"Mia Marino", "Otto Okafor"}}, Excluded: words.Shares(excluded),
		Closed:  words.Shares(map[broadcast.Reason]int{broadcast.ReasonNotInTeam: 2, broadcast.ReasonTeamArchived: 1}),
		Outside: nasty, TooMuch: nasty, Got: []string{"In the last 7 days 212 of them got 1, 3 got 5 or more.", nasty},
	}
}

var sampleCard = []byte(`{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"Office closed on Friday","size":"Large","weight":"Bolder","wrap":true},{"type":"TextBlock","text":"the office in **Lisbon** stays closed </script>","wrap":true}],"actions":[{"type":"Action.OpenUrl","title":"Read more","url":"https://intranet.example/closed"}]}`)

// sample is one page in one state.
type sample struct {
	name, page string
	data       any
}

func framed(a broadcast.Actor, title, section string) frame.Page {
	return frame.Page{Title: title, Section: section, Me: a, Version: "1.2.3", BotName: "Contoso News"}
}

// samples is every page in every state.
func samples() []sample {
	out := []sample{
		{"sign-in", "sign_in", signInPage{Page: framed(broadcast.Actor{}, "Sign in", ""), Start: "/auth/start?next=%2F"}},
		{"sign-in-asked", "sign_in", signInPage{Page: framed(broadcast.Actor{}, "Sign in", ""), Start: "/auth/start?next=%2Fkeys", Asked: true}},
		{"signed-out", "signed_out", frame.SignedOutPage{Page: framed(broadcast.Actor{}, "Sign in again", ""), Action: "/broadcasts", Fields: []frame.Field{{Name: "body", Value: nasty}, {Name: "title", Value: "Hello"}}}},
		{"say", "say", sayPage{framed(broadcast.Actor{}, "You have no role in Fanfare yet", ""), auth.Page{Status: 403, Title: "You have no role", Text: "Ask your IT admin.", Next: "/auth/start", NextText: "Sign in with another account"}}},
		{"fail-404", "fail", frame.FailPage{Page: framed(ada, "Nothing is here", ""), Status: 404, Sentence: "There is no page at this address."}},
		{"fail-500", "fail", frame.FailPage{Page: framed(broadcast.Actor{}, "Something went wrong on our side", ""), Status: 500, Sentence: "Nothing is lost.", RequestID: "ABC123"}},
	}
	out = append(out, listSamples()...)
	out = append(out, editSamples()...)
	for _, s := range broadcast.States() {
		for _, a := range []broadcast.Actor{ada, ben, cora, dan} {
			out = append(out, showSample(s, a))
		}
	}
	refused := showSample(broadcast.InReview, ben).data.(showPage)
	refused.Ask, refused.Asked, refused.Reach = "reject", asked{Problem: "Say what should change.", Note: nasty}, sampleReach()
	unfit := showSample(broadcast.Draft, ada).data.(showPage)
	unfit.Trouble, unfit.Mend = "It cannot be submitted yet:", broadcast.Problems{{Code: broadcast.Invalid, Field: "title", Message: "Give it a title."}}
	out = append(out, sample{"show-dialog-refused", "show", refused}, sample{"show-unfit", "show", unfit}, showInLanguages())
	out = append(out, planSamples()...)
	out = append(out, recipientSamples()...)
	out = append(out, listSamplesOf()...)
	out = append(out, rolloutSamples()...)
	out = append(out, keepSamples()...)
	out = append(out, setupSamples()...)
	out = append(out, peopleSamples()...)
	out = append(out, scopeSamples()...)
	out = append(out, welcomeSamples()...)
	return append(out, keySamples()...)
}

func listSamples() []sample {
	tabs, current := frame.PickTab(listTabs(), "", func(n string) string { return frame.Link("/", "tab", n) })
	empty := listPage{Page: framed(ada, "Announcements", "list"), Tabs: tabs, Tab: current}
	hinted := empty
	hinted.Rollout = hint{Show: true}
	full := empty
	for _, s := range broadcast.States() {
		full.Broadcasts = append(full.Broadcasts, *sampleBroadcast(s))
	}
	full.Broadcasts[0].Message.Title, full.Broadcasts[1].Message.Title = "", nasty
	full.First, full.Next = "/", "/?after=x"
	full.Broadcasts[7].Kind, full.Broadcasts[8].Kind = broadcast.KindEdit, broadcast.KindRecall
	full.Broadcasts[3].Plan.Priority, full.Broadcasts[8].Plan.Priority = broadcast.PriorityBulk, broadcast.PriorityUrgent
	found := empty
	found.Text = nasty
	reader := empty
	reader.Page = framed(dan, "Announcements", "list")
	admin := hinted
	admin.Page, admin.Rollout.Running = framed(cora, "Announcements", "list"), true
	return []sample{
		{"list-empty", "list", empty},
		{"list-hint", "list", hinted},
		{"list-full", "list", full},
		{"list-nothing-found", "list", found},
		{"list-reader", "list", reader},
		{"list-admin-running", "list", admin},
	}
}

func editSamples() []sample {
	limits := limits{message.MaxTitle, message.MaxBody, message.MaxImageAlt, message.MaxButtons, message.MaxButtonTitle, 80_000}
	f := framed(ada, "Write an announcement", "list")
	f.Scripts, f.Card = []string{"editor.js"}, true
	blank := editPage{Page: f, B: &broadcast.Broadcast{State: broadcast.Draft}, Form: form.Draft{Plan: form.PlanOf(broadcast.Plan{})}, Limits: limits, Look: look{Limit: 80_000, Card: sampleCard}}
	b := sampleBroadcast(broadcast.Draft)
	filled := blank
	filled.Form, filled.B, filled.Look = form.DraftOf(b), b, look{Card: sampleCard, Units: 4321, Limit: 80_000, Message: b.Message}
	groups := filled
	groups.Form.Audience = broadcast.InGroups(group, broadcast.Group{ID: "1a0b0c0d-1111-4222-8333-444455556666", Name: nasty})
	groups.Searched, groups.Form.Search = true, "sa"
	groups.Form.Audience.Exclude = []audience.Part{{Kind: audience.Attribute, Field: audience.Department, Values: []string{nasty, "R&D"}}}
	groups.Hits = []audience.Hit{{Part: groups.Form.Audience.Include[0], Note: "Group · Microsoft 365 · sales@contoso.example"}, {Part: audience.Part{Kind: audience.Reports, ID: group.ID, Name: "Ada"}, Note: nasty}}
	wrong := filled
	wrong.Form.Message.Title, wrong.Form.Message.Body, wrong.Form.Message.Buttons[1].URL = "", nasty, "http://insecure.example"
	wrong.Problems = broadcast.Problems{
		{Code: broadcast.Invalid, Field: "title", Message: "Give the message a title."},
		{Code: broadcast.Invalid, Field: "buttons.1.url", Message: "The address of button 2 must begin with https://."},
		{Code: broadcast.Invalid, Field: "audience", Message: "Choose who should get this."},
		{Code: broadcast.Invalid, Field: "image_alt", Message: "Describe the image."},
	}
	wrong.Look = look{Limit: 80_000, Problem: "The card is too large.", Message: wrong.Form.Message}
	spoken := filled
	spoken.Form.Message = inLanguages(b.Message)
	spoken.Form.LookIn, spoken.Form.Adding, spoken.Form.AddWrong = "de", nasty, "This is no language that is known here."
	spoken.Look.Locale = "de"
	spoken.Problems = broadcast.Problems{{Code: broadcast.Invalid, Field: "variants.pt-BR.buttons.0.url", Message: "Variant pt-BR: The address of button 1 must begin with https://."}}
	overtaken := filled
	overtaken.Theirs = &theirs{sampleBroadcast(broadcast.Draft), "Cora Admin", noon}
	voids := filled
	voids.B = sampleBroadcast(broadcast.Approved)
	trouble := filled
	trouble.Trouble = "This broadcast is sending, so it cannot be edited."
	return []sample{
		{"edit-blank", "edit", blank},
		{"edit-filled", "edit", filled},
		{"edit-groups", "edit", groups},
		{"edit-wrong", "edit", wrong},
		{"edit-languages", "edit", spoken},
		{"edit-overtaken", "edit", overtaken},
		{"edit-voids", "edit", voids},
		{"edit-trouble", "edit", trouble},
		{"edit-planned", "edit", plannedEdit(filled)},
		{"edit-plan-wrong", "edit", wrongPlan(filled)},
		{"edit-correction", "edit", correctionEdit(filled)},
	}
}

// inLanguages is a message with variants.
func inLanguages(m broadcast.Message) broadcast.Message {
	m.Variants = []message.Variant{
		{Locale: "de", Title: "Büro am Freitag geschlossen", Body: "Am **Freitag** bleibt das Büro zu.", ImageAlt: "Das Büro", Buttons: []broadcast.Button{{Title: "Mehr erfahren"}}},
		{Locale: "pt-BR", Title: nasty, Buttons: []broadcast.Button{{URL: "http://insecure.example"}}},
	}
	return m
}

// showInLanguages is a review page with a card for each language.
func showInLanguages() sample {
	s := showSample(broadcast.InReview, ben)
	p := s.data.(showPage)
	m := inLanguages(p.B.Message)
	for _, locale := range m.Locales() {
		p.Looks = append(p.Looks, look{Card: sampleCard, Limit: 80_000, Message: m.In(locale), Locale: locale, Named: true, Translated: true})
	}
	p.Looks = p.Looks[1:]
	return sample{"show-languages", "show", p}
}

func showSample(s broadcast.State, a broadcast.Actor) sample {
	b := sampleBroadcast(s)
	f := framed(a, titleOf(b), "list")
	f.Scripts, f.Card = []string{"show.js"}, true
	p := showPage{Page: f, B: b, Looks: []look{{Card: sampleCard, Units: 4321, Limit: 80_000, Message: b.Message}}}
	p.stand()
	p.History = []broadcast.Move{
		{Event: broadcast.EventCreate, To: broadcast.Draft, By: ada.ActorRef, At: noon},
		{Event: broadcast.EventReject, By: ben.ActorRef, At: noon, Note: nasty},
	}
	if p.Listed() {
		p.Outcome = []outcome{
			{broadcast.ReasonCount{State: broadcast.DeliverySkipped, Reason: broadcast.ReasonBlocked, Count: 310}, "?state=skipped"},
			{broadcast.ReasonCount{State: broadcast.DeliveryFailed, Reason: broadcast.ReasonRejected, Count: 8}, "?state=failed"},
			{broadcast.ReasonCount{State: broadcast.DeliveryFailed, Reason: broadcast.ReasonUnconfirmed, Count: 4}, "?state=failed"},
		}
	}
	return sample{"show-" + string(s) + "-" + a.Name[:3], "show", p}
}

func recipientSamples() []sample {
	b := sampleBroadcast(broadcast.Sending)
	p := recipientsPage{Page: framed(ada, "Recipients", "list"), B: b, Reasons: []broadcast.ReasonCount{{State: broadcast.DeliverySkipped, Reason: broadcast.ReasonBlocked, Count: 310}}}
	p.Tabs, p.Tab = frame.PickTab(recipientTabs(b), "", func(n string) string { return frame.Link("", "state", n) })
	full := p
	for i, s := range broadcast.DeliveryStates() {
		full.Deliveries = append(full.Deliveries, broadcast.Delivery{ID: int64(i), EntraID: "e", Name: "Mia Marino", UPN: "mia@contoso.example", State: s, Attempts: i, UpdatedAt: noon, MaybeSent: i%2 == 0})
	}
	full.Deliveries[3].Reason, full.Deliveries[3].Code, full.Deliveries[3].Detail = broadcast.ReasonRejected, "BadArgument", nasty
	full.Deliveries[4].Name, full.Deliveries[4].UPN = "", ""
	full.Next = "?after=1"
	posted := full
	posted.B = sampleBroadcast(broadcast.Sending)
	posted.B.Audience.Include = append(posted.B.Audience.Include, audience.Part{Kind: audience.Channel, ID: "19:news@thread.tacv2", Name: nasty})
	posted.Deliveries = []broadcast.Delivery{
		{EntraID: "19:news@thread.tacv2", Name: nasty, State: broadcast.DeliveryFailed, Reason: broadcast.ReasonNotInTeam, Code: "BotNotInConversationRoster", Attempts: 1, UpdatedAt: noon},
		{EntraID: "19:gone@thread.tacv2", State: broadcast.DeliverySent, UpdatedAt: noon},
	}
	none := p
	none.Text = nasty
	early := p
	early.B = sampleBroadcast(broadcast.Draft)
	tries := []broadcast.Attempt{
		{Number: 1, At: noon, Status: 502, Code: "BadGateway", Detail: nasty, MaybeSent: true}, {Number: 2, At: noon.Add(time.Minute), Code: "timeout"},
	}
	attempts := attemptsPage{Page: framed(ada, "Failed tries", "list"), B: b, Attempts: tries}
	untried := attempts
	untried.Attempts = nil
	full.Retry = &retryLink{"/broadcasts/x?ask=retry", "Try 12 people again…"}
	return []sample{{"attempts", "attempts", attempts}, {"attempts-none", "attempts", untried}, {"recipients-full", "recipients", full}, {"recipients-posted", "recipients", posted}, {"recipients-none", "recipients", none}, {"recipients-early", "recipients", early}}
}

func keySamples() []sample {
	p := admin.KeysPage{Page: framed(ada, "API keys", "keys"), URL: "https://fanfare.example"}
	made := p
	made.Secret, made.Name = "ff_0190a1b2-c3d4-7000-8000-000000000001_abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq", nasty
	made.Keys = []broadcast.Key{{ID: "k1", Name: nasty, Roles: ada.Roles, CreatedAt: noon}, {ID: "k2", Name: "Old", Roles: ada.Roles, CreatedAt: noon, LastUsedAt: noon, RevokedAt: noon}}
	wrong := p
	wrong.Problem = "Give the key a name."
	return []sample{{"keys-none", "keys", p}, {"keys-made", "keys", made}, {"keys-wrong", "keys", wrong}}
}
