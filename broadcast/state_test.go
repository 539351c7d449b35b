package broadcast_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

var update = flag.Bool("update", false, "rewrite the drawing in README.md")

// over are the states nothing further happens in by itself.
func over(s broadcast.State) bool { return s == broadcast.Sent || s == broadcast.Cancelled }

// drawing is the moves table as a Mermaid state diagram. Left out is what would
// hide the rest: edits, which lead from anywhere before sending back to draft,
// cancels, and events that change no state.
func drawing() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> draft\n")
	for _, r := range broadcast.Moves() {
		if r.Event == broadcast.EventEdit || r.Event == broadcast.EventCancel || r.From == r.To {
			continue
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", r.From, r.To, r.Event)
	}
	for _, s := range broadcast.States() {
		if over(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

func TestReadmeDrawsTheMovesTable(t *testing.T) {
	const file, from, to = "../README.md", "<!-- moves: begin -->\n", "<!-- moves: end -->"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), from)
	got, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("README.md has no place for the drawing (%q … %q)", from, to)
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+from+drawing()+to+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != drawing() {
		t.Errorf("README.md does not draw the moves table; run: go test ./broadcast -run Readme -update")
	}
}

func TestEveryStateIsReachedAndLeftOrAnEnd(t *testing.T) {
	t.Parallel()
	reached, left := map[broadcast.State]bool{broadcast.Draft: true}, map[broadcast.State]bool{}
	seen := map[string]bool{}
	for _, r := range broadcast.Moves() {
		reached[r.To] = true
		// What is over may be taken up again for some of its people, or told something.
		left[r.From] = left[r.From] || !over(r.From)
		key := string(r.From) + "+" + string(r.Event)
		if seen[key] {
			t.Errorf("%s stands twice in the table: which row would count?", key)
		}
		seen[key] = true
		if len(r.Who) == 0 {
			t.Errorf("%s may be done by nobody", key)
		}
	}
	for _, s := range broadcast.States() {
		if !reached[s] {
			t.Errorf("no move leads to %s", s)
		}
		if left[s] == over(s) {
			t.Errorf("%s: an end has no move out, everything else has one", s)
		}
		if s.Words() == "" {
			t.Errorf("%s has no words", s)
		}
	}
}

func TestNobodyReviewsWhatTheyWrote(t *testing.T) {
	t.Parallel()
	both := func(id string) broadcast.Actor {
		return broadcast.Actor{ActorRef: broadcast.ActorRef{ID: broadcast.EntraID(id)}, Roles: []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleApprover}}
	}
	b := &broadcast.Broadcast{
		State: broadcast.InReview, Author: broadcast.ActorRef{ID: "author"},
		SubmittedBy: broadcast.ActorRef{ID: "submitter"}, Editors: []broadcast.EntraID{"author", "editor"},
	}
	for _, id := range []string{"author", "submitter", "editor"} {
		if b.Can(both(id), broadcast.EventApprove) || b.Can(both(id), broadcast.EventReject) {
			t.Errorf("%s may review their own words", id)
		}
	}
	if !b.Can(both("other"), broadcast.EventApprove) {
		t.Error("somebody else with the role may not approve")
	}
	if b.Can(broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAdmin}}, broadcast.EventApprove) {
		t.Error("an admin without the approver's role may approve: approval can be walked around")
	}
}

func TestOnlyTheEngineMakesTheEnginesMoves(t *testing.T) {
	t.Parallel()
	everybody := broadcast.Actor{Roles: broadcast.Roles()}
	for _, r := range broadcast.Moves() {
		b := &broadcast.Broadcast{State: r.From}
		if slices.Equal(r.Who, []broadcast.Role{broadcast.RoleEngine}) && b.Can(everybody, r.Event) {
			t.Errorf("a person may %s a broadcast that is %s", r.Event, r.From)
		}
		if b.Can(broadcast.Actor{}, r.Event) || b.Can(broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAuditor}}, r.Event) {
			t.Errorf("somebody without a role that acts may %s a broadcast that is %s", r.Event, r.From)
		}
	}
}

func TestHashKnowsMessageAndAudience(t *testing.T) {
	t.Parallel()
	base := func() broadcast.Broadcast {
		return broadcast.Broadcast{
			Message:  broadcast.Message{Title: "T", Body: "B", ImageURL: "I", ImageAlt: "A", Buttons: []broadcast.Button{{Title: "x", URL: "y"}}},
			Audience: broadcast.InGroups(broadcast.Group{ID: "1", Name: "one"}),
		}
	}
	same, want := base(), base()
	same.State, same.Revision = broadcast.Sent, 9
	if same.Hash() != want.Hash() {
		t.Error("state or revision changes the hash")
	}
	changes := map[string]func(*broadcast.Broadcast){
		"title": func(b *broadcast.Broadcast) { b.Message.Title += " " }, "body": func(b *broadcast.Broadcast) { b.Message.Body = "" },
		"image": func(b *broadcast.Broadcast) { b.Message.ImageURL = "J" }, "alt": func(b *broadcast.Broadcast) { b.Message.ImageAlt = "" },
		"button": func(b *broadcast.Broadcast) { b.Message.Buttons[0].URL = "z" }, "group": func(b *broadcast.Broadcast) { b.Audience.Include[0].ID = "2" },
		"left out": func(b *broadcast.Broadcast) { b.Audience.Exclude = b.Audience.Include },
		"everyone": func(b *broadcast.Broadcast) { b.Audience = broadcast.Everyone() },
	}
	for name, change := range changes {
		b := base()
		change(&b)
		if b.Hash() == want.Hash() {
			t.Errorf("a changed %s keeps the hash: it could be slipped past an approval", name)
		}
	}
}

// TestHashesOfOldStillHold: what was approved when an audience was everyone or some
// groups is sent by a server that knows more kinds.
func TestHashesOfOldStillHold(t *testing.T) {
	t.Parallel()
	groups := broadcast.InGroups(
		broadcast.Group{ID: "60000000-0000-4000-8000-00000000ab1e", Name: "Sales"}, broadcast.Group{ID: "60000000-0000-4000-8000-00000000ab1f", Name: "Berlin"})
	for want, a := range map[string]broadcast.Audience{
		"7bb785e5ae175d48bcefd1ef62d4ea6b6a301d663bfefd1fc1273638ede9e239": broadcast.Everyone(),
		"8e68b90ba8f4951fe172155248e6c6c8ed7026b53762ccbf028608d23fb639fa": {},
		"f4e5845c056e5bcc09d8a67868ffedd621e72d5753046803db5e09725b16c1ab": groups,
	} {
		b := broadcast.Broadcast{Message: broadcast.Message{Title: "T", Body: "B"}, Audience: a}
		if got := b.Hash(); got != want {
			t.Errorf("%s: %s", a.Words(), got)
		}
	}
}
