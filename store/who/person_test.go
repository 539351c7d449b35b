package who_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/store"
	swho "github.com/fanfare/fanfare/store/who"

	"github.com/fanfare/fanfare/store/storetest"
)

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, swho.Tables(), storetest.Who()...)
}

// TestLawOutlookIsWhatTheListWouldSay compares the one sentence of a person's page
// with the head-count, which the list of a broadcast shares its rule with.
func TestLawOutlookIsWhatTheListWouldSay(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		tried := func(state broadcast.InstallationState, reason broadcast.Reason) func(n int) {
			return func(int) {
				must(t, st.SetRollout(ctx, the(st.Rollout(ctx))(t).State, broadcast.RolloutRunning, admin.ActorRef, clock.Now()))
				for _, i := range the(st.TakeInstallations(ctx, 100, time.Minute))(t) {
					must(t, st.RecordInstallations(ctx, []broadcast.InstallOutcome{{EntraID: i.EntraID, Fence: i.Fence, State: state, Reason: reason, Detail: "so", NotBefore: clock.Now().Add(time.Hour), At: clock.Now()}}))
				}
			}
		}
		for i, f := range []func(n int){
			func(int) {},
			tried(broadcast.InstallationRefused, broadcast.ReasonPolicy),
			tried(broadcast.InstallationRefused, ""),
			tried(broadcast.InstallationInstalled, ""),
			tried(broadcast.InstallationWanted, broadcast.ReasonTrouble),
			func(n int) { must(t, st.BotAdded(ctx, id(n), address(n))) },
			func(n int) { must(t, st.BotGone(ctx, id(n), broadcast.InstallationRemoved)) },
			func(n int) { must(t, st.BotGone(ctx, id(n), broadcast.InstallationBlocked)) },
		} {
			for j, change := range []person.Patch{{}, {Enabled: new(false)}, {Licensed: new(false)}, {Guest: new(true)}, {Deleted: new(true)}} {
				n := 10*i + j + 1
				hire(t, st, n, "Somebody")
				f(n)
				change.EntraID = id(n)
				must(t, st.SavePeople(ctx, []person.Patch{change}, nil))
				part := audience.Part{Kind: audience.Person, ID: string(id(n))}
				set := the(st.NewSet(ctx, "", part))(t)
				must(t, st.FillSet(ctx, set, part))
				must(t, st.KeepSet(ctx, set))
				reach := the(st.Reach(ctx, audience.Of(part)))(t)
				p := the(st.Person(ctx, id(n)))(t)
				o := p.Outlook()
				got := broadcast.Reach{Total: 1, Excluded: map[broadcast.Reason]int{}}
				switch o.State {
				case broadcast.DeliveryReady:
					got.Ready = 1
				case broadcast.DeliveryPending:
					got.Waiting = 1
				default:
					got.Excluded[o.Reason] = 1
				}
				if got.Ready != reach.Ready || got.Waiting != reach.Waiting || len(reach.Excluded) != len(got.Excluded) || o.State == broadcast.DeliverySkipped && reach.Excluded[o.Reason] != 1 {
					t.Errorf("person %d: the page says %+v, the head-count %+v", n, o, reach)
				}
				if !strings.HasPrefix(o.Sentence, "Would ") || o.State == broadcast.DeliverySkipped && !strings.Contains(o.Sentence, "What to do: ") {
					t.Errorf("person %d: %q", n, o.Sentence)
				}
			}
		}
	})
}

func TestPeopleAreFoundByNameAddressOrID(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		hire(t, st, 1, "Ada Lovelace")
		hire(t, st, 2, "Änne Bär")
		hire(t, st, 3, "Adam O'Neill")
		hire(t, st, 4, "100% Percy_Under")
		must(t, st.SavePeople(ctx, []person.Patch{{EntraID: id(3), Deleted: new(true)}}, nil))
		s := service(st)
		for text, want := range map[string]int{
			"ada": 2, "LOVE": 1, "lovelace ada": 1, "person.2@contoso": 1, "änne": 1, "ÄNNE": 1, "": 4, "nobody": 0,
			"%": 0, "_": 0, "100%": 1, "percy_under": 1, "a%a": 2, "'; DROP TABLE people; --": 0, "\\": 0,
			string(id(2)): 1, strings.ToUpper(string(id(2))): 1, " " + string(id(2)) + " ": 1, string(id(99)): 0,
			strings.Repeat("ada ", 2500): 2, strings.Repeat("x", 10_000): 0, "ada\x00": 2, "\xff": 0,
		} {
			got := the(s.Find(ctx, admin, who.Query{Text: text}))(t)
			if len(got.People) != want || got.Next != "" {
				t.Errorf("%.40q: %d people, want %d", text, len(got.People), want)
			}
		}
		page := the(s.Find(ctx, admin, who.Query{Limit: 3}))(t)
		rest := the(s.Find(ctx, admin, who.Query{Limit: 3, After: page.Next}))(t)
		if len(page.People) != 3 || page.Next != id(3) || len(rest.People) != 1 || rest.Next != "" {
			t.Errorf("pages of %d and %d, next %q", len(page.People), len(rest.People), page.Next)
		}
		if p := page.People[2]; p.Words() != "Account deleted" || p.GoneAt.IsZero() {
			t.Errorf("%+v", p)
		}
		if _, err := s.Find(ctx, broadcast.Actor{}, who.Query{}); !broadcast.IsCode(err, broadcast.Forbidden) {
			t.Errorf("somebody without a role: %v", err)
		}
	})
}

func TestWhoIsUnknownIsSaidSo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, bad := range []broadcast.EntraID{"", "x", id(1), "00000000-0000-4000-8000-00000000000'", broadcast.EntraID(strings.Repeat("0", 10_000))} {
			if _, err := service(st).Story(ctx, admin, who.ReceiptQuery{Person: bad}); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Errorf("%.40q: %v", bad, err)
			}
		}
	})
}

// TestTheSentenceSaysWhatHoldsThemUp: each way not to get it, with what to do.
func TestTheSentenceSaysWhatHoldsThemUp(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]who.Person{
		"Would get it.": {Bot: who.Bot{State: broadcast.InstallationInstalled, Addressed: true}},
		"everything is stopped: bot credentials refused. What to do: renew": {Halt: broadcast.ReasonCredentials, Bot: who.Bot{State: broadcast.InstallationInstalled, Addressed: true}},
		"no Teams licence. What to do: assign a licence":                    {Person: person.Person{Enabled: true}},
		"account disabled. What to do: enable":                              {Person: person.Person{Licensed: true}},
		"their home is another organisation's tenant":                       {Person: person.Person{Enabled: true, Licensed: true, Guest: true, Type: person.Member, UPN: "a_b.example#EXT#@contoso.example"}},
		"guest account. What to do: guests cannot":                          {Person: person.Person{Enabled: true, Licensed: true, Guest: true, Type: person.GuestType, UPN: "a_b.example#EXT#@contoso.example"}},
		"removed the app. What to do: only the person":                      {Bot: who.Bot{State: broadcast.InstallationRemoved}},
		"blocked the bot":                                                          {Bot: who.Bot{State: broadcast.InstallationBlocked}},
		"app blocked by policy. What to do: allow":                                 {Bot: who.Bot{State: broadcast.InstallationRefused, Reason: broadcast.ReasonPolicy}},
		"installation failed. What to do: look at the detail":                      {Bot: who.Bot{State: broadcast.InstallationRefused}},
		"waits for Teams to tell the address":                                      {Bot: who.Bot{State: broadcast.InstallationInstalled}},
		"paused for everybody. What to do: an administrator":                       {Rollout: broadcast.RolloutPaused},
		"did not work yet: Teams had trouble. Fanfare tries again":                 {Bot: who.Bot{State: broadcast.InstallationWanted, Reason: broadcast.ReasonTrouble}},
		"It is to be installed":                                                    {Bot: who.Bot{State: broadcast.InstallationWanted}},
		"Nobody has asked for it yet. What to do: start the rollout, or just send": {},
	} {
		if p.Person == (person.Person{}) {
			p.Person = person.Person{Enabled: true, Licensed: true}
		}
		if got := p.Outlook().Sentence; !strings.Contains(got, want) {
			t.Errorf("%q, want it to say %q", got, want)
		}
	}
}
