package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// bot tells where our bot stands at person n.
func (w *world) bot(n int) broadcast.InstallationState {
	w.t.Helper()
	page, err := w.store.Installations(w.t.Context(), broadcast.InstallQuery{Limit: 500})
	must(w.t, err)
	for _, r := range page.Rows {
		if r.EntraID == id(n) {
			return r.State
		}
	}
	return ""
}

func (w *world) becomes(n int, state broadcast.InstallationState) {
	w.t.Helper()
	eventually(w.t, "the bot is "+string(state), func() bool { return w.bot(n) == state })
}

func (w *world) hears(n int, piece string) {
	w.t.Helper()
	eventually(w.t, "the bot says “"+piece+"”", func() bool { return strings.Contains(strings.Join(w.chat(n), "\n"), piece) })
}

func TestTheBotKnowsWhereItIsInstalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.EventDuplicatePerMille = 1000 }) // everything comes twice
	w.runInbox()
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
	at, err := w.store.Address(t.Context(), id(7))
	must(t, err)
	if at.ConversationID == "" || !strings.HasPrefix(at.ServiceURL, w.painted.URL()) || !strings.HasPrefix(at.ChannelAccountID, "29:") {
		t.Errorf("address %+v", at)
	}
	w.inTeams(7, "remove", nil)
	w.becomes(7, broadcast.InstallationRemoved)
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
}

func TestTheBotAnswersWhatPeopleType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
	w.inTeams(7, "say", object{"text": "Hello?"})
	w.hears(7, "nobody reads what is written here")
	w.inTeams(7, "say", object{"text": "  STOP "})
	w.hears(7, "To stop my messages")
	if p, err := w.store.Person(t.Context(), id(7)); err != nil || p.TimeZone != "Europe/Berlin" {
		t.Errorf("their clock is in %q, %v: Teams has told it", p.TimeZone, err)
	}
}

func TestTheWhyButtonOfOldClientsIsAnsweredInTheChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	message, why, _ := w.announce(7)
	fallback, ok := why["fallback"].(object)
	if !ok {
		t.Fatalf("the button has no fallback: %v", why)
	}
	w.inTeams(7, "click", object{"message_id": message, "action": fallback})
	w.hears(7, "“Summer party” was written by Ada Author for: Everyone.")
}

// handled posts a changed copy of a good activity and waits until it is handled.
func (w *world) handled(d delivery, fields object) {
	w.t.Helper()
	if a := w.repost(d.authorization, d.changed(w.t, fields)); a.StatusCode != http.StatusOK {
		w.t.Fatalf("status %d: %s", a.StatusCode, a.raw)
	}
	// What the person says next is handled after it: the same conversation, in order.
	before := len(w.chat(7))
	w.inTeams(7, "say", object{"text": "still there?"})
	eventually(w.t, "the next message is answered", func() bool { return len(w.chat(7)) > before })
}

func TestEveryShapeOfTheEventsMeansWhatItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	d := w.good()
	w.becomes(7, broadcast.InstallationInstalled)
	bot, user := object{"id": "28:" + simulator.DefaultBotID}, object{"id": "29:someone", "aadObjectId": string(id(7))}
	for _, c := range []struct {
		name   string
		fields object
		want   broadcast.InstallationState
	}{
		{"remove-upgrade", object{"type": "installationUpdate", "action": "remove-upgrade", "membersAdded": nil}, broadcast.InstallationInstalled},
		{"Remove", object{"type": "installationUpdate", "action": "Remove", "membersAdded": nil}, broadcast.InstallationRemoved},
		{"add-upgrade", object{"type": "installationUpdate", "action": "add-upgrade", "membersAdded": nil}, broadcast.InstallationInstalled},
		{"members removed", object{"type": "conversationUpdate", "membersAdded": nil, "membersRemoved": []object{user}}, broadcast.InstallationRemoved},
		{"bot added", object{"type": "conversationUpdate", "membersAdded": []object{bot}}, broadcast.InstallationInstalled},
		{"bot removed", object{"type": "conversationUpdate", "membersAdded": nil, "membersRemoved": []object{bot}}, broadcast.InstallationRemoved},
		{"user listed instead", object{"type": "conversationUpdate", "membersAdded": []object{user}, "from": object{"id": "28:" + simulator.DefaultBotID}}, broadcast.InstallationInstalled},
		{"no type of conversation", object{"type": "installationUpdate", "action": "remove", "membersAdded": nil, "conversation": object{"id": "a:1example", "tenantId": simulator.DefaultTenantID}}, broadcast.InstallationRemoved},
	} {
		c.fields["id"] = c.name
		w.handled(d, c.fields)
		if c.fields["conversation"] != nil {
			w.becomes(7, c.want)
		} else if got := w.bot(7); got != c.want {
			t.Errorf("%s: the bot is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnEventOfAnUnknownPersonIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	d := w.good()
	const stranger = "99999999-0001-4000-8000-00000000a11c"
	w.handled(d, object{"id": "new", "from": object{"id": "29:new", "aadObjectId": strings.ToUpper(stranger)}})
	eventually(t, "the address of somebody the directory does not know yet", func() bool {
		at, err := w.store.Address(t.Context(), stranger)
		return err == nil && at.ChannelAccountID == "29:new"
	})
}

func TestAThrottledAnswerIsGivenLaterAndOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
	w.sim.SetDials(func(d *simulator.Dials) {
		d.Fail = []simulator.Fault{{Operation: "send", Status: 429, RetryAfter: 1, Next: 1}}
	})
	w.inTeams(7, "say", object{"text": "stop"})
	eventually(t, "the failure is noticed", func() bool { return strings.Contains(w.log.String(), "tried again") })
	w.clock.advance(61 * time.Second)
	w.hears(7, "To stop my messages")
	if said := w.chat(7); len(said) != 1 {
		t.Errorf("said %d times: %q", len(said), said)
	}
}

func TestWhatNeverWorksIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{{Operation: "send", Status: 429, RetryAfter: 1}} })
	w.inTeams(7, "say", object{"text": "stop"})
	for n := 1; n < 5; n++ {
		eventually(t, "another try fails", func() bool { return strings.Count(w.log.String(), "activity will be tried again") == n })
		w.clock.advance(61 * time.Second)
	}
	eventually(t, "it is given up", func() bool { return strings.Contains(w.log.String(), "activity given up") })
	w.clock.advance(61 * time.Second)
	eventually(t, "nothing is left", func() bool { return len(w.stored()) == 0 })
}

func TestAPersonWhoBlockedTheBotIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runInbox()
	w.inTeams(7, "install", nil)
	w.becomes(7, broadcast.InstallationInstalled)
	w.inTeams(7, "block", nil)
	w.inTeams(7, "say", object{"text": "stop"})
	eventually(t, "the final refusal is logged", func() bool { return strings.Contains(w.log.String(), "activity given up") })
	if strings.Contains(w.log.String(), "tried again") {
		t.Error("a final refusal was tried again")
	}
}
