package storetest

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
)

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The is what a call gave; its error ends the test: The(st.Broadcast(ctx, id))(t).
func The[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		Must(t, err)
		return v
	}
}

// ID is person n's.
func ID(n int) broadcast.EntraID {
	return broadcast.EntraID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

// Address is where person n's chat is.
func Address(n int) broadcast.ConversationReference {
	return broadcast.ConversationReference{ServiceURL: "https://smba.example/emea/", ConversationID: fmt.Sprintf("a:%d", n), ChannelAccountID: fmt.Sprintf("29:%d", n)}
}

// Patch is person n as a full read of the directory tells them.
func Patch(n int) person.Patch {
	return person.Patch{
		EntraID: ID(n), Name: new(fmt.Sprintf("Person %d", n)), UPN: new(fmt.Sprintf("person.%d@contoso.example", n)),
		Guest: new(false), Enabled: new(true), Licensed: new(true),
	}
}

// People stores n people, 1 to n.
func People(t testing.TB, st *store.Store, n int) {
	t.Helper()
	var page []person.Patch
	for i := 1; i <= n; i++ {
		if page = append(page, Patch(i)); len(page) == 500 || i == n {
			Must(t, st.SavePeople(t.Context(), page, nil))
			page = nil
		}
	}
}

// Groups is an organisation's groups as Graph would tell them, by their IDs.
type Groups struct {
	Of    map[string][]int // who is in each, some perhaps twice
	Fails map[string]error // what ends reading one
	Reads map[string]int   // how often each was read
}

// NewGroups makes some.
func NewGroups(of map[string][]int) *Groups {
	return &Groups{Of: of, Fails: map[string]error{}, Reads: map[string]int{}}
}

// Members yields those in a group, then what fails.
func (g *Groups) Members(_ context.Context, of broadcast.Group) iter.Seq2[broadcast.EntraID, error] {
	g.Reads[of.ID]++
	return func(yield func(broadcast.EntraID, error) bool) {
		for _, n := range g.Of[of.ID] {
			if !yield(ID(n), nil) {
				return
			}
		}
		if err := g.Fails[of.ID]; err != nil {
			yield("", err)
		}
	}
}

// Groups finds groups by the beginning of their IDs.
func (g *Groups) Groups(_ context.Context, text string, _ int) (hits []broadcast.GroupHit, err error) {
	for id := range g.Of {
		if strings.HasPrefix(id, text) {
			name, _, _ := strings.Cut(id, "-")
			hits = append(hits, broadcast.GroupHit{Group: broadcast.Group{ID: id, Name: "Group " + name}, Kind: "Security"})
		}
	}
	return hits, nil
}
