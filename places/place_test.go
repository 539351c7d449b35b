package places

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is n seconds after some moment.
func at(n int) time.Time { return time.Date(2026, 11, 22, 9, 0, n, 0, time.UTC) }

func event(n int, kind EventKind, name string) Event {
	return Event{Kind: kind, Place: Place{Kind: Team, ID: "19:ops", Name: name, ServiceURL: "https://smba.example/"}, At: at(n), By: Member{EntraID: "ada", Name: "Ada"}}
}

func TestAPlaceIsWhatItsNewestEventsSay(t *testing.T) {
	t.Parallel()
	all := []Event{
		event(1, BotAdded, "Ops"), event(2, TeamRenamed, "Operations"), event(3, TeamArchived, "Operations"), event(4, BotAdded, ""),
		event(5, BotRemoved, ""), event(6, TeamDeleted, ""), event(7, TeamRestored, "Operations"), event(8, Left, ""),
	}
	for i, want := range []State{Here, Here, Archived, Archived, Removed, Deleted, Here, Here} {
		var p Place
		for _, e := range all[:i+1] {
			p = p.After(e)
		}
		if p.State != want {
			t.Errorf("after %s: %s, want %s", all[i].Kind, p.State, want)
		}
		for _, e := range all[:i+1] { // told again
			if again := p.After(e); again != p {
				t.Errorf("after %s, %s told again makes %+v of %+v", all[i].Kind, e.Kind, again, p)
			}
		}
	}
	var forth, back Place
	for _, e := range all {
		forth = forth.After(e)
	}
	for _, e := range slices.Backward(all) {
		back = back.After(e)
	}
	back.NamedAt, back.URLAt, back.StateAt = forth.NamedAt, forth.URLAt, forth.StateAt
	if diff := cmp.Diff(forth, back); diff != "" {
		t.Errorf("told backwards it is another: %s", diff)
	}
}

func TestSomebodyWhoWritesShowsThatTheBotIsBack(t *testing.T) {
	t.Parallel()
	gone := Place{}.After(event(1, BotAdded, "Ops")).After(event(5, BotRemoved, ""))
	if p := gone.After(event(4, Heard, "")); p.State != Removed {
		t.Errorf("what was said before brought it back: %s", p.State)
	}
	if p := gone.After(event(6, Heard, "")); p.State != Here {
		t.Errorf("%s", p.State)
	}
	archived := Place{}.After(event(1, TeamArchived, ""))
	if p := archived.After(event(6, Heard, "")); p.State != Archived {
		t.Errorf("%s", p.State)
	}
}

func TestARosterIsAskedForWhenItMayHaveChanged(t *testing.T) {
	t.Parallel()
	added := Place{}.After(event(1, BotAdded, "Ops"))
	removed := added.After(event(2, BotRemoved, ""))
	for name, c := range map[string]struct {
		before Place
		e      Event
		want   bool
	}{
		"a team nobody knew":      {Place{}, event(1, TeamRenamed, "Ops"), true},
		"added":                   {Place{}, event(1, BotAdded, "Ops"), true},
		"added, told again":       {added, event(1, BotAdded, "Ops"), false},
		"renamed":                 {added, event(2, TeamRenamed, "X"), false},
		"joined":                  {added, event(2, Joined, ""), true},
		"left":                    {added, event(2, Left, ""), true},
		"spoken in":               {added, event(2, Heard, ""), false},
		"removed":                 {added, event(2, BotRemoved, ""), false},
		"joined after we left":    {removed, event(3, Joined, ""), false},
		"added again":             {removed, event(3, BotAdded, ""), true},
		"restored":                {added.After(event(2, TeamDeleted, "")), event(3, TeamRestored, ""), true},
		"archived and unarchived": {added.After(event(2, TeamArchived, "")), event(3, TeamUnarchived, ""), false},
	} {
		if got := c.before.After(c.e).Asks(c.before, c.e); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAListOfChannelsKeepsWhatEventsSaidSince(t *testing.T) {
	t.Parallel()
	channel := func(id, name string, state State, listed bool, n int) Channel {
		return Channel{ID: id, TeamID: "team", Name: name, State: state, Listed: listed, At: at(n)}
	}
	known := []Channel{
		channel("team", "", Here, true, 1), channel("same", "Same", Here, true, 1), channel("renamed", "Old", Here, true, 1),
		channel("gone", "Gone", Here, true, 1), channel("private", "Private", Here, false, 1), channel("back", "Back", Deleted, true, 1),
		channel("deleted since", "X", Deleted, true, 9), channel("created since", "Y", Here, true, 9),
	}
	listed := []Channel{
		{ID: "team", TeamID: "team"},
		{ID: "same", TeamID: "team", Name: "Same"},
		{ID: "renamed", TeamID: "team", Name: "New"},
		{ID: "renamed", TeamID: "team", Name: "Twice"},
		{ID: "back", TeamID: "team", Name: "Back"},
		{ID: "deleted since", TeamID: "team", Name: "X"},
		{ID: "fresh", TeamID: "team", Name: "Fresh"},
	}
	want := []Channel{
		channel("renamed", "New", Here, true, 5), channel("back", "Back", Here, true, 5), channel("fresh", "Fresh", Here, true, 5), channel("gone", "Gone", Deleted, true, 5),
	}
	if diff := cmp.Diff(want, Relist(known, listed, at(5))); diff != "" {
		t.Error(diff)
	}
}

func TestPlacesWithoutANameAreStillToldApart(t *testing.T) {
	t.Parallel()
	hit := ChannelHit{Channel: Channel{ID: "19:abcdefgh@thread.tacv2", TeamID: "19:opsops01@thread.tacv2"}, Team: Place{Kind: Team, ID: "19:opsops01@thread.tacv2"}}
	if got := hit.Label(); got != "Team sops01 › Channel cdefgh" {
		t.Errorf("%q", got)
	}
	if got := (Place{Kind: GroupChat, ID: "19:x@thread.v2"}).Words(); got != "Group chat x" {
		t.Errorf("%q", got)
	}
}
