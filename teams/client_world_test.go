package teams

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/teams/card"
	"github.com/google/go-cmp/cmp"
)

// fault asserts that a call failed with a fault of that class, scope and reason.
func fault(t *testing.T, err error, class broadcast.FaultClass, scope broadcast.FaultScope, reason broadcast.Reason) *broadcast.Fault {
	t.Helper()
	var f *broadcast.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	if f.Class != class || f.Scope != scope || f.Reason != reason {
		t.Errorf("got %s, %s, %s: %v", f.Class, f.Scope, f.Reason, f)
	}
	return f
}

func (w *world) payload() broadcast.Payload {
	w.Helper()
	b := announcement()
	b.Message.Buttons = b.Message.Buttons[:1]
	p, err := w.client.Compose(b, "")
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func TestAMessageReachesAPersonByTheAddressOfTheirEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(7)
	at := p.installed()
	pay := w.payload()
	id, err := w.client.Send(t.Context(), at, pay)
	if err != nil || id == "" {
		t.Fatalf("ID %q: %v", id, err)
	}
	chat := p.chat()
	if len(chat) != 1 || chat[0].ID != id || chat[0].Summary != "Office closed [Friday]" {
		t.Fatalf("the chat shows %+v", chat)
	}
	var shown, composed any
	if json.Unmarshal(chat[0].Cards[0], &shown) != nil || json.Unmarshal(pay.Card, &composed) != nil || !cmp.Equal(shown, composed) {
		t.Error("the card in the chat is not the composed one")
	}
}

func TestOpenFindsTheConversationByEntraIDAloneAndSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(8)
	known := p.installed()
	at, err := w.client.Open(t.Context(), p.id, broadcast.ConversationReference{})
	if err != nil || at.ConversationID != known.ConversationID || at.ServiceURL != w.base+"/teams/" {
		t.Fatalf("opened %+v: %v", at, err)
	}
	again, err := w.client.Open(t.Context(), p.id, known)
	if err != nil || again != known {
		t.Fatalf("opened %+v, want %+v: %v", again, known, err)
	}
	if _, err := w.client.Send(t.Context(), at, w.payload()); err != nil {
		t.Fatal(err)
	}
	if n := len(p.chat()); n != 1 {
		t.Errorf("%d messages, want one", n)
	}
}

func TestOpenFollowsANewServiceURLOnlyToAnAllowedHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(9)
	p.installed()
	w.sim.SetDials(func(d *simulator.Dials) { d.CreateServiceRegion = "amer" })
	at, err := w.client.Open(t.Context(), p.id, broadcast.ConversationReference{})
	if err != nil || !strings.Contains(at.ServiceURL, "/amer/") {
		t.Fatalf("opened %+v: %v", at, err)
	}
	w.sim.SetPublicURL("https://evil.example")
	at, err = w.client.Open(t.Context(), p.id, broadcast.ConversationReference{})
	if err != nil || at.ServiceURL != w.base+"/teams/" {
		t.Fatalf("opened %+v: %v", at, err)
	}
}

func TestAMessageCanBeEditedAndTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(10)
	at := p.installed()
	id, err := w.client.Send(t.Context(), at, w.payload())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.client.Update(t.Context(), at, id, w.payload()); err != nil {
		t.Fatal(err)
	}
	if chat := p.chat(); !chat[0].Edited {
		t.Errorf("the chat shows %+v", chat)
	}
	if err := w.client.Delete(t.Context(), at, id); err != nil {
		t.Fatal(err)
	}
	if chat := p.chat(); !chat[0].Deleted {
		t.Errorf("the chat shows %+v", chat)
	}
	f := fault(t, w.client.Delete(t.Context(), at, "1"), broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonRejected)
	if f.Code != "ActivityNotFoundInConversation" || f.NoAddress {
		t.Errorf("fault %+v", f)
	}
}

func TestMembersAreReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(11)
	page, err := w.client.Members(t.Context(), p.installed(), "")
	if err != nil || len(page.Members) == 0 || page.Next != "" {
		t.Fatalf("page %+v: %v", page, err)
	}
	if got := page.Members[0].EntraID(); got != p.id {
		t.Errorf("member %q, want %q", got, p.id)
	}
}

func TestAReplyIsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(12)
	if err := w.client.Reply(t.Context(), p.installed(), "You are in **everyone**."); err != nil {
		t.Fatal(err)
	}
	if chat := p.chat(); len(chat) != 1 || chat[0].Text != "You are in **everyone**." {
		t.Errorf("the chat shows %+v", chat)
	}
}

func TestPeopleWhoDoNotWantTheBotAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const permanent, one = broadcast.Permanent, broadcast.ScopeRecipient
	for _, number := range []int{13, 14} { // the two shapes of one answer (protocol E.3)
		p := w.person(number)
		at := p.installed()
		p.does("block", nil)
		_, err := w.client.Send(t.Context(), at, w.payload())
		fault(t, err, permanent, one, broadcast.ReasonBlocked)
	}
	p := w.person(15)
	at := p.installed()
	p.does("remove", nil)
	_, err := w.client.Send(t.Context(), at, w.payload())
	fault(t, err, permanent, one, broadcast.ReasonRemoved)
	_, err = w.client.Open(t.Context(), p.id, at)
	fault(t, err, permanent, one, broadcast.ReasonRemoved)
	_, err = w.client.Open(t.Context(), p.id, broadcast.ConversationReference{ChannelAccountID: "29:somebody-elses"})
	fault(t, err, permanent, one, broadcast.ReasonBadAddress)
}

func TestADeletedChatIsOpenedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(16)
	at := p.installed()
	p.does("delete-chat", nil)
	_, err := w.client.Send(t.Context(), at, w.payload())
	if f := fault(t, err, broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonGone); !f.NoAddress {
		t.Errorf("fault %+v", f)
	}
	anew, err := w.client.Open(t.Context(), p.id, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Send(t.Context(), anew, w.payload()); err != nil {
		t.Fatal(err)
	}
}

func TestTeamsMoodsAreClassified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.person(17).installed()
	for name, c := range map[string]struct {
		fault  simulator.Fault
		class  broadcast.FaultClass
		scope  broadcast.FaultScope
		reason broadcast.Reason
		maybe  bool
		after  time.Duration
	}{
		"html 502":     {simulator.Fault{Status: 502, Shape: "html"}, broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, true, 0},
		"stored 504":   {simulator.Fault{Status: 504, Shape: "empty", StoreFirst: true}, broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, true, 0},
		"412":          {simulator.Fault{Status: 412}, broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, false, 0},
		"429":          {simulator.Fault{Status: 429, RetryAfter: 7}, broadcast.Throttled, broadcast.ScopeService, broadcast.ReasonThrottled, false, 7 * time.Second},
		"429, no time": {simulator.Fault{Status: 429}, broadcast.Throttled, broadcast.ScopeService, broadcast.ReasonThrottled, false, 0},
		"413":          {simulator.Fault{Status: 413}, broadcast.Permanent, broadcast.ScopeBroadcast, broadcast.ReasonTooLarge, false, 0},
		"sub-code":     {simulator.Fault{Status: 403, Shape: "subcode", Code: "MessageWritesBlocked"}, broadcast.Permanent, broadcast.ScopeRecipient, broadcast.ReasonBlocked, false, 0},
		"reset":        {simulator.Fault{Shape: "reset", StoreFirst: true}, broadcast.Transient, broadcast.ScopeRecipient, broadcast.ReasonTrouble, true, 0},
	} {
		c.fault.Operation = "send"
		w.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{c.fault} })
		_, err := w.client.Send(t.Context(), at, w.payload())
		f := fault(t, err, c.class, c.scope, c.reason)
		if f.MaybeSent != c.maybe || f.RetryAfter != c.after {
			t.Errorf("%s: %+v", name, f)
		}
	}
	w.sim.SetDials(func(d *simulator.Dials) { d.Fail, d.BotDisabledByAdmin = nil, true })
	_, err := w.client.Send(t.Context(), at, w.payload())
	fault(t, err, broadcast.Permanent, broadcast.ScopeService, broadcast.ReasonBotDisabled)
}

func TestASendWhoseAnswerIsLostIsThereOnce(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		w := newWorld(t)
		client := w.newClient(way)
		for number, shape := range []string{"reset", "close", "cut"} {
			p := w.person(30 + number)
			at := p.installed()
			if _, err := client.Open(t.Context(), p.id, at); err != nil { // the connection is there, and trusted
				t.Fatal(err)
			}
			w.sim.SetDials(func(d *simulator.Dials) {
				d.Fail = []simulator.Fault{{Operation: "send", Person: string(p.id), Shape: shape, StoreFirst: true}}
			})
			id, err := client.Send(t.Context(), at, w.payload())
			if shape == "cut" { // the status came, and says that it is there
				if id != "" || err != nil {
					t.Errorf("%s: %q, %v", shape, id, err)
				}
			} else {
				trouble(t, err, CodeNetwork, true)
			}
			if n := len(p.chat()); n != 1 {
				t.Errorf("%s: %d messages in the chat, want one", shape, n)
			}
		}
	})
}

func TestASlowAnswerEndsAtTheTimeLimitAndMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		w := newWorld(t)
		at := w.person(18).installed()
		if _, err := w.tokens.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, slow := range []simulator.Fault{{Operation: "send", DelayMS: 60_000}, {Operation: "send", Shape: "hang"}} {
			w.sim.SetDials(func(d *simulator.Dials) { d.Fail = []simulator.Fault{slow} })
			client := w.newClient(way, func(o *Options) { o.Timeout = 300 * time.Millisecond })
			_, err := client.Send(t.Context(), at, w.payload())
			trouble(t, err, CodeTimeout, true)
		}
	})
}

func TestATokenThatStaysRefusedStopsEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.person(21).installed()
	for _, spoiled := range []string{"expired", "wrong_aud", "bad_signature"} {
		w.sim.SetDials(func(d *simulator.Dials) { d.AccessToken = spoiled })
		w.sim.ResetReport()
		tokens := CredentialToken(w.credential(simulator.DefaultClientSecret), DefaultScope, time.Now)
		client := w.newClient(func(o *Options) { o.Token = tokens })
		_, err := client.Send(t.Context(), at, w.payload())
		if f := fault(t, err, permanent, service, broadcast.ReasonCredentials); f.MaybeSent {
			t.Errorf("%s: %+v", spoiled, f)
		}
		if n := w.sim.Report().Requests["send"]; n != 2 {
			t.Errorf("%s: %d requests, want one and one with a new token", spoiled, n)
		}
	}
}

func TestAnOversizePayloadIsTheBroadcastsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.person(19).installed()
	big := must(encode(map[string]string{"type": "message", "text": strings.Repeat("x", 60_000)}))
	_, err := w.client.Send(t.Context(), at, broadcast.Payload{Activity: big})
	fault(t, err, broadcast.Permanent, broadcast.ScopeBroadcast, broadcast.ReasonTooLarge)
}

func TestShortLivedTokensAreRenewedOnTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetDials(func(d *simulator.Dials) { d.TokenLifetimeSeconds, d.ThreadLimits = 1, false })
	at := w.person(20).installed()
	w.sim.ResetReport()
	deadline := time.Now().Add(patience)
	for range time.Tick(20 * time.Millisecond) { // until three tokens have lived and died
		if _, err := w.client.Open(t.Context(), "", at); err != nil {
			t.Fatal(err)
		}
		if w.sim.Report().Requests["entra.token"] >= 3 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("tokens were not renewed: %v", w.sim.Report().Requests)
		}
	}
}

func TestATokenTheConnectorRefusesIsReplacedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.person(6).installed()
	if _, err := w.client.Send(t.Context(), at, w.payload()); err != nil {
		t.Fatal(err)
	}
	w.sim.SetDials(func(d *simulator.Dials) { d.KeyGeneration++ }) // the cached token is worth nothing now
	if _, err := w.client.Send(t.Context(), at, w.payload()); err != nil {
		t.Fatalf("the token was not renewed past azidentity's own cache: %v", err)
	}
}

func TestARotatedSecretStopsEverythingAndNamesEntrasNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.person(5).installed()
	w.sim.SetDials(func(d *simulator.Dials) { d.ClientSecretRotated = true })
	_, err := w.client.Send(t.Context(), at, w.payload())
	f := fault(t, err, broadcast.Permanent, broadcast.ScopeService, broadcast.ReasonCredentials)
	if !strings.Contains(f.Detail, "AADSTS") || strings.Contains(f.Detail, simulator.DefaultClientSecret) || f.MaybeSent {
		t.Errorf("fault %+v", f)
	}
}

func TestTheWhyButtonComesBackWithItsBroadcast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(4)
	at := p.installed()
	id, err := w.client.Send(t.Context(), at, w.payload())
	if err != nil {
		t.Fatal(err)
	}
	why := footer(announcement())[1].Actions[0]
	for _, press := range []card.Action{why, *why.Fallback} {
		answer := p.does("click", map[string]any{"message_id": id, "action": press})
		d := p.next(Acted)
		act, ok := d.activity.Act()
		if d.err != nil || !ok || act.Verb != VerbWhy || act.BroadcastID != announcement().ID {
			t.Fatalf("%s came back as %+v: %v", press.Type, act, d.err)
		}
		if act.Invoke != (press.Type == "Action.Execute") {
			t.Errorf("%s: invoke is %v", press.Type, act.Invoke)
		}
		var got struct{ Kind, Value string }
		_ = json.Unmarshal(answer, &got)
		if act.Invoke && (got.Kind != "message" || got.Value != "because") {
			t.Errorf("the person sees %s", answer)
		}
	}
}
