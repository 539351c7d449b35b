package directory_test

import (
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/simulator"
)

// members reads groups: everybody in them, with the directory's reason not to write
// to them.
func (s *stage) members(groups ...broadcast.Group) (map[broadcast.EntraID]broadcast.Reason, error) {
	var ids []broadcast.EntraID
	for _, g := range groups {
		for id, err := range s.Members(s.t.Context(), g) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	known, err := s.st.KnownPeople(s.t.Context(), ids)
	out := map[broadcast.EntraID]broadcast.Reason{}
	for _, r := range known {
		out[r.EntraID] = r.Excluded
	}
	return out, err
}

func TestMembersOfNestedGroupsAreAmongThem(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3000)
	s.sync()
	directors, err := s.members(group(6, "Directors"))
	if err != nil || len(directors) < 25 {
		t.Fatalf("%d directors, %v", len(directors), err)
	}
	leaders, err := s.members(group(5, "Leadership"))
	if err != nil || len(leaders) <= len(directors) {
		t.Errorf("%d leaders, %v: the nested directors are missing", len(leaders), err)
	}
	both, err := s.members(group(6, "Directors"), group(5, "Leadership"), group(6, "Directors"))
	if err != nil || len(both) != len(leaders) {
		t.Errorf("%d people, %v; want the %d leaders", len(both), err, len(leaders))
	}
}

func TestALargeGroupIsReadPageByPage(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2500)
	s.sync()
	got, err := s.members(group(1, "All Company"))
	if err != nil || len(got) != 2500 {
		t.Errorf("%d people, %v; want 2500", len(got), err)
	}
	if n := s.sim.Report().Requests["graph.members"]; n != 3 {
		t.Errorf("%d requests, want 3 pages of 999", n)
	}
}

func TestMembersNobodyKnewAreStoredFirst(t *testing.T) {
	t.Parallel()
	s := newStage(t, 40)
	s.sim.SetDials(func(d *simulator.Dials) { d.Person = map[string]string{simulator.EntraID(5): "unlicensed"} })
	got, err := s.members(group(12, "Newsroom"))
	if err != nil || len(got) != 10 {
		t.Fatalf("%d people, %v; want the ten of the newsroom", len(got), err)
	}
	if got[person(5)] != broadcast.ReasonUnlicensed || got[person(6)] != "" {
		t.Errorf("got %v, want what Graph says of them", got)
	}
	if n := len(stored(t, s.st)); n != 10 {
		t.Errorf("%d people stored, want 10", n)
	}
}

func TestAnEmptyGroupIsNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 40)
	if got, err := s.members(group(8, "Empty")); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAGroupThatCannotBeReadStopsEverybody(t *testing.T) {
	t.Parallel()
	s := newStage(t, 200)
	s.sync()
	hidden, missing := group(7, "Works Council"), group(200, "")
	for _, tc := range []struct {
		bad  broadcast.Group
		says []string
	}{
		{hidden, []string{"“Works Council”", "cannot be read", "Member.Read.Hidden"}},
		{missing, []string{missing.ID, "no longer exists"}},
	} {
		_, err := s.members(tc.bad)
		e := broadcast.AsError(err)
		if e == nil || e.Code != broadcast.Invalid || e.Field != "audience" {
			t.Fatalf("err = %v, want a sentence for the author", err)
		}
		for _, words := range tc.says {
			if !strings.Contains(e.Message, words) {
				t.Errorf("%q does not say %q", e.Message, words)
			}
		}
	}
}

func TestTroubleWithAGroupIsNotTheAuthors(t *testing.T) {
	t.Parallel()
	s := newStage(t, 200)
	s.fail(simulator.Fault{Operation: "graph.members", Status: 503})
	got, err := s.members(group(2, "Sales"))
	if err == nil || broadcast.AsError(err) != nil || len(got) != 0 {
		t.Errorf("%v, %v; want passing trouble", got, err)
	}
	s.fail(simulator.Fault{Operation: "graph.members", Status: 429, Next: 2})
	if got, err := s.members(group(2, "Sales")); err != nil || len(got) == 0 {
		t.Errorf("%v, %v; want the members after a little patience", got, err)
	}
}

func TestMembersStopWhenNobodyListens(t *testing.T) {
	t.Parallel()
	s := newStage(t, 100)
	s.sync()
	n := 0
	for range s.Members(t.Context(), group(1, "All Company")) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d", n)
	}
}

func TestAMemberWithoutAnIDStopsEverybody(t *testing.T) {
	t.Parallel()
	d, _ := scripted(t, `{"value":[{"displayName":"?"}]}`)
	for id, err := range d.Members(t.Context(), group(1, "")) {
		if err == nil || id != "" {
			t.Errorf("%q, %v", id, err)
		}
	}
}

func TestGroupsAreFoundByTheBeginningOfAWord(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20)
	for text, want := range map[string]int{
		"mark": 2, "OFFICE ber": 1, "café": 1, "o'hare": 1, `" OR "displayName:a`: 0, `x OR y`: 0, `\`: 13, `"`: 13, `sal"es`: 0, `"sales"`: 1, "nothing like it": 0,
		"": 13, "  sales\x00 ": 1, strings.Repeat("x", 5000): 0,
	} {
		got, err := s.Groups(t.Context(), text, 25)
		if err != nil || len(got) != want {
			t.Errorf("%.40q: %d groups, %v; want %d", text, len(got), err, want)
		}
	}
	if got, err := s.Groups(t.Context(), "", 3); err != nil || len(got) != 3 {
		t.Errorf("limit 3: %v, %v", got, err)
	}
}

func TestGroupsOfTheSameNameAreToldApart(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20)
	got, err := s.Groups(t.Context(), "marketing", 10)
	if err != nil || len(got) != 2 || got[0].Name != got[1].Name {
		t.Fatalf("%+v, %v", got, err)
	}
	if got[0].ID == got[1].ID || got[0].Mail == got[1].Mail || got[0].Description == got[1].Description || got[0].Kind == "" {
		t.Errorf("%+v cannot be told apart", got)
	}
}

func TestAGroupIsFoundByItsID(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20)
	got, err := s.Groups(t.Context(), " "+strings.ToUpper(group(2, "").ID)+" ", 10)
	if err != nil || len(got) != 1 || got[0].Name != "Sales" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.Groups(t.Context(), group(77, "").ID, 10); err != nil || len(got) != 0 {
		t.Errorf("unknown: %+v, %v", got, err)
	}
	s.fail(simulator.Fault{Operation: "graph.group*", Status: 500})
	for _, text := range []string{group(2, "").ID, "sales"} {
		if _, err := s.Groups(t.Context(), text, 10); broadcast.AsFault(err).Status != 500 {
			t.Errorf("%q: %v, want Graph's trouble", text, err)
		}
	}
}
