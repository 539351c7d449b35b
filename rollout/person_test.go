package rollout_test

import (
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
)

// TestAPersonKnowsTheirRing: the page of a person says which ring brought them the app,
// or which is to be opened.
func TestAPersonKnowsTheirRing(t *testing.T) {
	each(t, func(w *world) {
		is := func(n int, ring string, sentence string) {
			w.Helper()
			p, err := w.st.Person(w.Context(), id(n))
			w.no(err)
			if got := p.Outlook().Sentence; p.Ring != ring || !strings.Contains(got, sentence) {
				w.Errorf("person %d is of %q, want %q; %q, want it to say %q", n, p.Ring, ring, got, sentence)
			}
		}
		is(1, "", "Nobody has asked for it yet. What to do: start the rollout")
		w.set(rollout.Ring{Name: "Pilot", Audience: group(pilots), MaxFailedPercent: 5}, rollout.Ring{Name: "Marketing", Audience: marketing, MaxFailedPercent: 5})
		is(1, "", "Nobody has asked for it yet. What to do: start the rollout")
		w.no(w.Start(w.Context(), cora))
		is(1, "Pilot", "wait for their turn")
		is(50, "", "those opened so far are not theirs. What to do: open the next, “Marketing”")
		w.install()
		is(1, "Pilot", "Would get it.")
		w.no(w.advance("Marketing"))
		is(50, "Marketing", "wait for their turn")
		is(30, "", "open the next, “Everyone”")
		w.no(w.advance("Everyone"))
		is(30, "Everyone", "wait for their turn")
		is(60, "Pilot", broadcast.ReasonGuest.Remedy()[1:])
	})
}
