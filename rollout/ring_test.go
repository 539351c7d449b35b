package rollout

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

var update = flag.Bool("update", false, "draw the rings' moves into README.md anew")

// drawing is the moves table as Mermaid draws it.
func drawing() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> waiting\n")
	for _, r := range Moves() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", r.From, r.To, r.Event)
	}
	b.WriteString("    done --> [*]\n```\n")
	return b.String()
}

func TestReadmeDrawsTheMovesOfRings(t *testing.T) {
	const file, from, to = "../README.md", "<!-- rings: begin -->\n", "<!-- rings: end -->"
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
		t.Errorf("README.md does not draw the moves of rings; run: go test ./rollout -run Readme -update")
	}
}

// TestOnlyTheTableMovesARing: whoever may make no move finds none, and every state but the
// end is left.
func TestOnlyTheTableMovesARing(t *testing.T) {
	t.Parallel()
	for _, s := range RingStates() {
		left := slices.ContainsFunc(Moves(), func(r Rule) bool { return r.From == s })
		if left != (s != Done) {
			t.Errorf("%s is left: %v", s, left)
		}
		for _, ev := range Events() {
			for _, role := range append(broadcast.Roles(), broadcast.RoleEngine) {
				r, ok := ruleOf(s, ev, broadcast.Actor{Roles: []broadcast.Role{role}})
				may := slices.ContainsFunc(Moves(), func(m Rule) bool { return m.From == s && m.Event == ev && slices.Contains(m.Who, role) })
				if ok != may || ok && (r.From != s || r.Event != ev) {
					t.Errorf("%s may %s a ring that is %s: %v", role, ev, s, ok)
				}
			}
		}
	}
}
