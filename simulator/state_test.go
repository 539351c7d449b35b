package simulator_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

func TestWhatHappenedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	old := newStage(t)
	one, two, three := old.chat(1), old.chat(2), old.chat(3)
	broadcast := card("news")
	broadcast["channelData"] = map[string]any{"broadcastId": "b"}
	for _, chat := range []string{one, two, two} {
		if r := old.send(chat, broadcast); r.status != 201 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	old.act(2, "block", nil)
	old.act(3, "delete-chat", nil)
	old.act(4, "directory", map[string]any{"accountEnabled": false})
	old.send("19:exampleteam0001@thread.tacv2", card("to a channel"))
	file := filepath.Join(t.TempDir(), "state.json")
	if err := old.sim.SaveState(file); err != nil {
		t.Fatal(err)
	}

	next := newStage(t)
	if err := next.sim.LoadState(file); err != nil {
		t.Fatal(err)
	}
	before, after := old.sim.Report(), next.sim.Report()
	if after.Installed != before.Installed || after.Messages != 4 || after.Reached != 2 || after.Repeats != 1 || !reflect.DeepEqual(after.ByBroadcast, before.ByBroadcast) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if !reflect.DeepEqual(old.messages(2), next.messages(2)) {
		t.Errorf("chat before %v, after %v", old.messages(2), next.messages(2))
	}
	for chat, want := range map[string]int{one: 201, two: 403, three: 404} {
		if r := next.send(chat, broadcast); r.status != want {
			t.Errorf("%s: %d %s, want %d", chat, r.status, r.body, want)
		}
	}
	if got := next.sim.Report().Repeats; got != 2 {
		t.Errorf("%d repeats: the copy of before counts", got)
	}
	if r := next.install(4); r.status != 404 {
		t.Errorf("a disabled account: %d", r.status)
	}
}

func TestABrokenStateIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	file := filepath.Join(t.TempDir(), "state.json")
	if err := s.sim.LoadState(file); err != nil {
		t.Errorf("no file is the beginning: %v", err)
	}
	for _, text := range []string{"", "nonsense", `{"version":99}`, `{"version":1,"bot_id":"` + simulator.DefaultBotID + `"}{"n":1,"m":[{"a":7}]}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.sim.LoadState(file); err == nil {
			t.Errorf("%q was loaded", text)
		}
	}
}

func TestCloseDoesNotWaitForABotThatHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	release := make(chan struct{})
	defer close(release)
	s.bot.answers(func(heard) (int, string) { <-release; return 200, "" })
	s.install(1)
	s.bot.wait(t, 1, func(heard) bool { return true })
	closed := make(chan error, 1)
	go func() { closed <- s.sim.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Close hangs")
	}
}

// Misfortunes that show only after the installation.
func TestPeopleWhoRemoveTheAppAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sim.SetDials(struck(map[int]string{1: "removed", 2: "blocked"}))
	if r := s.install(1); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	s.bot.wait(t, 1, func(h heard) bool { return h.activity["action"] == "remove" })
	if r := s.create(1); r.status != 403 {
		t.Errorf("create after the removal: %d", r.status)
	}
	if r := s.send(s.chat(2), card("x")); r.status != 403 || r.code() != "ConversationBlockedByUser" {
		t.Errorf("blocked: %d %s", r.status, r.body)
	}
}

// K row 5, as dials.
func TestSpoiledSignIn(t *testing.T) {
	t.Parallel()
	s := newSignIn(t)
	claims := func(dial string) (map[string]any, error) {
		s.sim.SetDials(func(d *simulator.Dials) { d.SignIn = dial })
		return s.unverified(simulator.StandardPeople()[0].UPN)
	}
	for dial, wrong := range map[string]func(map[string]any) bool{
		"wrong_tenant": func(c map[string]any) bool {
			return c["tid"] != simulator.DefaultTenantID && !strings.Contains(c["iss"].(string), simulator.DefaultTenantID)
		},
		"no_roles":    func(c map[string]any) bool { return c["roles"] == nil },
		"wrong_nonce": func(c map[string]any) bool { return c["nonce"] != "the-nonce" },
		"overage":     func(c map[string]any) bool { return c["_claim_names"] != nil && c["groups"] == nil },
	} {
		if c, err := claims(dial); err != nil || !wrong(c) {
			t.Errorf("%s: %v, %v", dial, c, err)
		}
	}
}
