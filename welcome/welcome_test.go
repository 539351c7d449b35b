package welcome

import (
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/places"
)

// TestTheStarterCanBeUsedAsItIs, and says what this is, who rolled it out, and what to do.
func TestTheStarterCanBeUsedAsItIs(t *testing.T) {
	t.Parallel()
	m := Starter("Contoso News", "Cora Admin")
	if wrong := m.Trimmed().Mistakes(message.Links{}); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
	for _, words := range []string{"**Contoso News**", "Cora Admin rolled it out", "What to do next", "**why**", "**stop**", "**help**"} {
		if !strings.Contains(m.Body, words) {
			t.Errorf("it does not say %q", words)
		}
	}
	if p := m.Posted("Newsroom", "Ada"); !strings.Contains(p.Title, "Newsroom") || !strings.Contains(p.Body, "Ada added **Contoso News** to Newsroom") {
		t.Errorf("%+v", p)
	}
}

// TestAPostIsWhatWasApprovedWithTheNamesFilledIn: it can be sent, and to the team only.
func TestAPostIsWhatWasApprovedWithTheNamesFilledIn(t *testing.T) {
	t.Parallel()
	w := &broadcast.Broadcast{ID: "w", Kind: broadcast.KindWelcome, Message: Starter("Fanfare", "IT"), ApprovedBy: broadcast.ActorRef{ID: "b", Name: "Ben"}}
	a := places.Arrival{Team: places.Place{Kind: places.Team, ID: "19:exampleteam0002@thread.tacv2", Name: "Newsroom"}}
	b := post(w, a, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	if b.ApprovedAsIs() != nil || b.ApprovedBy != w.ApprovedBy || b.Target != "w" || len(b.Audience.Mistakes()) > 0 || b.Audience.Words() != "Channel Newsroom › General" {
		t.Errorf("%+v", b)
	}
	if !strings.HasPrefix(b.Message.Body, "Somebody added") { // nobody told who
		t.Errorf("%q", b.Message.Body)
	}
	if w.Message.Post = (message.Post{}); post(w, a, time.Now()) != nil {
		t.Error("without words something is posted")
	}
}
