package tenant

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

func contoso(people int) *Tenant {
	id := Identity{TenantID: "t", BotID: "c0ffee00-1111-4222-8333-444455556666", TeamsAppID: "a"}
	return New(id, people, dials.NewStore(dials.Default(), 1, Number, time.Now), time.Now)
}

func TestIdentifiersOpenOnlyForTheirBot(t *testing.T) {
	t.Parallel()
	ours, theirs := contoso(10), contoso(10)
	theirs.BotID = "deadbeef-1111-4222-8333-444455556666"
	for _, n := range []int{1, 2, 999_999, 100_000_000} {
		account, conversation := ours.ChannelAccountID(n), ours.ConversationID(n, 3)
		if got, ok := ours.Account(account); !ok || got != n {
			t.Errorf("%s is %d, %v", account, got, ok)
		}
		if got, generation, ok := ours.Conversation(conversation); !ok || got != n || generation != 3 {
			t.Errorf("%s is %d, generation %d, %v", conversation, got, generation, ok)
		}
		if _, ok := theirs.Account(account); ok {
			t.Error("another bot opens our account ID")
		}
		if _, _, ok := ours.Conversation("a:1" + strings.TrimPrefix(account, "29:1")); ok {
			t.Error("an account ID passes as a conversation")
		}
		if _, ok := ours.Account(account[:len(account)-1] + "_"); ok && account[len(account)-1] != '_' {
			t.Error("a changed ID is accepted")
		}
		if got, ok := Number(EntraID(n)); !ok || got != n {
			t.Errorf("%s is %d", EntraID(n), got)
		}
	}
	for _, bad := range []string{"", "29:", "29:1", "a:", "19:x_y@unq.gbl.spaces", EntraID(1) + "0", "0b1ec700-0001-4000-8000-00000000000g", EntraID(0)} {
		if n, ok := ours.Account(bad); ok {
			t.Errorf("%q is person %d", bad, n)
		}
		if n, _, ok := ours.Conversation(bad); ok {
			t.Errorf("%q is chat %d", bad, n)
		}
	}
}

func TestEverybodyIsFoundByTheirName(t *testing.T) {
	t.Parallel()
	c, seen := contoso(3000), map[string]bool{}
	for n := 1; n <= 3000; n++ {
		p, ok := c.Person(n)
		if !ok || seen[p.UPN] {
			t.Fatalf("person %d: %v, UPN %q taken: %v", n, ok, p.UPN, seen[p.UPN])
		}
		seen[p.UPN] = true
		if strings.IndexFunc(p.UPN, func(r rune) bool { return r > 127 || r == ' ' }) >= 0 {
			t.Errorf("UPN %q is not plain", p.UPN)
		}
		for _, key := range []string{p.UPN, strings.ToUpper(p.UPN), p.EntraID} {
			if found, ok := c.Find(key); !ok || found.Number != n {
				t.Fatalf("%q finds %d", key, found.Number)
			}
		}
	}
	if _, ok := c.Find("x.y.7@contoso.example"); ok {
		t.Error("a wrong name with a right number is somebody")
	}
}

func TestAChatKeepsTheLastFifty(t *testing.T) {
	t.Parallel()
	c := contoso(10)
	c.Dials.Set(func(d *dials.Dials) { d.ThreadLimits = false })
	c.Install(1)
	a := &Activity{Type: "message", Cards: []json.RawMessage{[]byte(`{}`)}, Broadcast: "b"}
	last := int64(0)
	for range 80 {
		id, _, problem := c.Deliver(Delivery{Number: 1, Generation: anyGeneration, Activity: a, Copy: true})
		if problem != Fine || id <= last {
			t.Fatalf("%v, ID %d after %d", problem, id, last)
		}
		last = id
	}
	v := c.View(1, true)
	if len(v.Messages) != 50 || v.Messages[0].Activity != a || c.Totals().Repeats != 79 {
		t.Fatalf("%d messages, %+v", len(v.Messages), c.Totals())
	}
}

func TestInstalledCountFollowsWhatHappens(t *testing.T) {
	t.Parallel()
	c := contoso(2000)
	c.Dials.Set(func(d *dials.Dials) { d.PreinstalledPerMille = 100 })
	before := c.InstalledCount()
	pre := 0
	for n := 21; pre == 0; n++ {
		if c.Dials.Now().Kind(n) == dials.Preinstalled {
			pre = n
		}
	}
	c.Install(1)
	c.Install(1)
	if !c.Uninstall(pre) || c.Uninstall(pre) {
		t.Error("an installation is removed once")
	}
	c.Install(2)
	if got := c.InstalledCount(); before < 100 || got != before+1 {
		t.Errorf("%d installed, before %d", got, before)
	}
}
