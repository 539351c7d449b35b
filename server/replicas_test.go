package server_test

import (
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// small keeps three replicas' connections within what the test's PostgreSQL has.
func (w *world) small() {
	w.env["FANFARE_DATABASE"] += "&pool_max_conns=10"
}

// ends sends SIGTERM and expects a clean end within ten seconds.
func ends(t *testing.T, p *exec.Cmd) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.Wait(); err != nil {
		t.Errorf("the process did not stop cleanly: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// What one replica may have in hand when it dies: the requests of the workers at its
// four seats, and one batch that was not recorded.
const inHand = 4*16 + 16

func TestOneOfThreeKilledIsHardlyNoticed(t *testing.T) {
	t.Parallel()
	const people, rate = 600, 100
	w, stop := installed(t, "postgres", people, map[string]string{"FANFARE_CONNECTOR_RATE": "100"})
	all := []bulletin{w.proposed("One"), w.proposed("Two"), w.proposed("Three")}
	stop()
	w.small()
	servers := w.replicas(3)
	for _, b := range all {
		w.moves(b.ID, "send", nil)
	}
	w.until("a part is sent", func() bool { return w.sim.Report().Messages > 300 })
	killed := time.Now()
	kills(servers[1].Cmd)
	at := w.sim.Report().Messages
	// Of its chunks nobody knows for a while; the others go on with theirs.
	w.until("the others have sent theirs", func() bool { return w.sim.Report().Messages > at+500 })
	for i, n := range w.perSecond("", killed, time.Now()) {
		if n == 0 {
			t.Errorf("in second %d after the kill nobody sent anything", i)
		}
	}
	if took := time.Since(killed); took > 2*500/rate*time.Second {
		t.Errorf("after the kill the others took %v for 500 messages", took)
	}
	repeats, owned := 0, 0
	for _, b := range all {
		b = w.state(b.ID, "sent")
		w.audits(b, b.Tally.MaybeRepeated)
		w.whole(b)
		r := w.sim.Report().ByBroadcast[b.ID]
		if late := r.LastStored.Sub(killed); late > 60*time.Second+people*3/rate*time.Second {
			t.Errorf("what the dead one had was taken up only %v after", late)
		}
		repeats, owned = repeats+int(r.Repeats), owned+b.Tally.MaybeRepeated
	}
	t.Logf("really repeated: %d; owned up to: %d", repeats, owned)
	if owned > inHand { // and more than it owns up to, never really (audits)
		t.Errorf("%d repeats, %d owned up to; it had at most %d in hand", repeats, owned, inHand)
	}
}

func TestKilledAloneLosesNobodyAndRepeatsLittle(t *testing.T) {
	t.Parallel()
	w, stop := installed(t, "sqlite", 400, map[string]string{"FANFARE_CONNECTOR_RATE": "100"})
	b := w.proposed("Half way")
	stop()
	first := w.spawn()
	w.moves(b.ID, "send", nil)
	w.reached(b.ID, 100)
	kills(first)
	w.spawn()
	b = w.state(b.ID, "sent", "failed")
	w.whole(b)
	w.audits(b, b.Tally.MaybeRepeated)
	if b.Tally.MaybeRepeated > inHand {
		t.Errorf("%d may have got it twice; at most %d were in hand", b.Tally.MaybeRepeated, inHand)
	}
}

// With three replicas, and alone: what is asked to stop stops, wherever it runs.
func TestPauseCancelAndSIGTERMAreHeardByAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kind string) {
		w, stop := installed(t, kind, 600, map[string]string{"FANFARE_CONNECTOR_RATE": "90"})
		b, other := w.proposed("Now and then"), w.proposed("Not after all")
		stop()
		n := 1
		if kind == "postgres" {
			n = 3
			w.small()
		}
		servers := w.replicas(n)
		w.moves(b.ID, "send", nil)
		w.reached(b.ID, 90)
		w.stopsAt(b.ID, "pause")
		part := w.read(b.ID).Tally.Sent
		w.moves(b.ID, "resume", nil)
		w.reached(b.ID, int64(part)+60)
		ends(t, servers[n-1].Cmd)
		if n == 1 {
			w.awaits(w.start(w.env["FANFARE_LISTEN"]))
		}
		b = w.accounted(b.ID)
		w.whole(b)
		if r := w.sim.Report().ByBroadcast[b.ID]; r.Repeats != 0 || b.Tally.MaybeRepeated != 0 {
			t.Errorf("a clean stop repeated %d, and %d are in doubt", r.Repeats, b.Tally.MaybeRepeated)
		}
		w.moves(other.ID, "send", nil)
		w.reached(other.ID, 60)
		w.stopsAt(other.ID, "cancel")
		other = w.accounted(other.ID)
		if other.State != "cancelled" || other.Tally.Cancelled < 100 {
			t.Errorf("it ended as %s: %+v", other.State, other.Tally)
		}
	})
}

// stopsAt expects that nothing of a broadcast is sent later than two seconds after a click.
func (w *world) stopsAt(id, event string) {
	w.t.Helper()
	w.moves(id, event, nil)
	clicked := time.Now()
	w.silent(id)
	w.until("two seconds have passed", func() bool { return time.Since(clicked) > 2500*time.Millisecond })
	if last := w.sim.Report().ByBroadcast[id].LastStored; last.After(clicked.Add(2 * time.Second)) {
		w.t.Errorf("something was sent %v after %s", last.Sub(clicked), event)
	}
}

func TestAReplicaWithoutEngineServesAndLeavesTheWorkToOthers(t *testing.T) {
	t.Parallel()
	w, stop := installed(t, "postgres", 300, map[string]string{"FANFARE_CONNECTOR_RATE": "60"})
	b := w.proposed("Done elsewhere")
	stop()
	w.small()
	web := w.start(w.env["FANFARE_LISTEN"], "FANFARE_ENGINE=off")
	w.awaits(web)
	worker := w.start(freePort(t))
	w.awaits(worker)
	w.moves(b.ID, "send", nil)
	w.reached(b.ID, 60)
	ends(t, worker.Cmd)
	w.silent(b.ID)
	had := w.sim.Report().ByBroadcast[b.ID].Reached
	w.until("it is clear that nobody sends", func() bool {
		last := w.sim.Report().ByBroadcast[b.ID].LastStored
		return time.Since(*last) > 5*time.Second
	})
	if now := w.read(b.ID); now.State != "sending" || w.sim.Report().ByBroadcast[b.ID].Reached != had || now.Tally.Ready < 100 {
		t.Errorf("without an engine it is %s: %+v", now.State, now.Tally)
	}
	r, err := http.Get(web.base + "/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK || ready(web.base) != http.StatusOK {
		t.Errorf("the replica without engine answers %d, and is ready: %d", r.StatusCode, ready(web.base))
	}
	w.awaits(w.start(freePort(t)))
	w.whole(w.accounted(b.ID))
	if r := w.sim.Report().ByBroadcast[b.ID]; r.Repeats != 0 {
		t.Errorf("%d repeats", r.Repeats)
	}
}
