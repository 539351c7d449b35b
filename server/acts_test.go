package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
)

// rolled is a world with the bot at everybody who can have it, a server in this
// process, and no misfortunes but those a story sets.
func rolled(t *testing.T, kind string, people int, env map[string]string) *world {
	t.Helper()
	w, _ := installed(t, kind, people, env)
	return w
}

// installed is rolled, with a way to stop the server: for stories whose servers are
// processes of their own.
func installed(t *testing.T, kind string, people int, env map[string]string) (w *world, stop func()) {
	t.Helper()
	w = newWorld(t, kind, func(o *simulator.Options) { o.People = people })
	maps.Copy(w.env, env)
	w.sim.SetDials(func(d *simulator.Dials) { d.SilentPerMille, d.EventDuplicatePerMille = 0, 0 })
	stop = w.serve()
	w.rolledOut()
	return w, stop
}

// proposed writes a broadcast to everyone, or whoever a change says, and takes it to
// approved.
func (w *world) proposed(title string, changes ...func(map[string]any)) bulletin {
	w.t.Helper()
	draft := map[string]any{"title": title, "body": "Read **this**.", "audience": map[string]any{"everyone": true}}
	for _, change := range changes {
		change(draft)
	}
	var b bulletin
	w.must(201, "author", "POST", "/broadcasts", draft, &b)
	return w.reviewed(b)
}

func (w *world) reviewed(b bulletin) bulletin {
	w.t.Helper()
	w.must(200, "author", "POST", "/broadcasts/"+b.ID+"/submit", nil, &b)
	w.must(200, "approver", "POST", "/broadcasts/"+b.ID+"/approve", map[string]any{"revision": b.Revision}, &b)
	return b
}

// sends proposes and sends.
func (w *world) sends(title string, changes ...func(map[string]any)) bulletin {
	w.t.Helper()
	return w.moves(w.proposed(title, changes...).ID, "send", nil)
}

// moves is an author doing something to a broadcast.
func (w *world) moves(id, event string, body any) bulletin {
	w.t.Helper()
	var b bulletin
	w.must(200, "author", "POST", "/broadcasts/"+id+"/"+event, body, &b)
	return b
}

// plan is how a proposal is to be sent.
func plan(p map[string]any) func(map[string]any) {
	return func(draft map[string]any) { draft["plan"] = p }
}

// Some groups of the simulated tenant.
const (
	groupSales       = "60000000-0000-4000-8000-000000000002" // one in twelve
	groupEngineering = "60000000-0000-4000-8000-000000000003"
	groupNewsroom    = "60000000-0000-4000-8000-00000000000c" // the first ten, never unlucky
)

// dial turns the simulator's dials.
func (w *world) dial(change func(*simulator.Dials)) { w.sim.SetDials(change) }

// fails sets faults, and no others.
func (w *world) fails(faults ...simulator.Fault) {
	w.dial(func(d *simulator.Dials) { d.Fail = faults })
}

// struck expects that every fault that was set struck at least so often.
func (w *world) struck(faults []simulator.Fault, times int64) {
	w.t.Helper()
	counts := w.sim.Report().Struck
	for _, f := range faults {
		if counts[f.Label()] < times {
			w.t.Errorf("%q struck %d times, so this story tells nothing of it", f.Label(), counts[f.Label()])
		}
	}
}

// post gives the simulator's controls something to do.
func (w *world) post(path string, body any) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	r, err := http.Post(w.http.PlainURL()+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if said, _ := io.ReadAll(r.Body); r.StatusCode/100 != 2 {
		w.t.Fatalf("the simulator refused %s: %d %s", path, r.StatusCode, said)
	}
}

// asks reads one of the simulator's controls.
func (w *world) asks(path string) map[string]any {
	w.t.Helper()
	r, err := http.Get(w.http.PlainURL() + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var out map[string]any
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return out
}

// act has person number n do something.
func (w *world) act(n int, verb string, body any) {
	w.t.Helper()
	w.post("/_simulator/people/"+simulator.EntraID(n)+"/"+verb, body)
}

// accounted waits until everybody has reached an end and compares three truths:
// the tally, a count of the rows, and what people really got.
func (w *world) accounted(id string) bulletin {
	w.t.Helper()
	b := w.state(id, "sent", "cancelled", "failed")
	w.until("everybody has reached an end", func() bool { b = w.read(id); return b.Tally.Pending+b.Tally.Ready == 0 })
	w.audits(b, 0)
	return b
}

// audits compares what a broadcast of which nothing is left says of each person with
// what that person really got. Only so many copies may be repeats that no lost
// answer excuses.
func (w *world) audits(b bulletin, mayRepeat int) {
	w.t.Helper()
	copies, counts, wrong, unexcused := map[string]simulator.PersonCopies{}, map[string]int{}, 0, 0
	for c := range w.sim.EachCopies(b.ID) {
		copies[c.EntraID] = c
		unexcused += int(max(0, c.Got-1-c.Unheard))
	}
	for _, r := range w.rows(b.ID) {
		counts[r.State]++
		got := copies[r.EntraID]
		delete(copies, r.EntraID)
		// In doubt is who may have got it twice, or, if not sent, at all.
		if told := r.MaybeRepeated; r.State == "sent" && got.Got == 0 || r.State != "sent" && got.Got > 0 && !told || got.Got > 1 && !told {
			if wrong++; wrong <= 5 {
				w.t.Errorf("%s: of %s it says %s %s (in doubt: %v), really they got %+v", b.Title, r.EntraID, r.State, r.Reason, told, got)
			}
		}
	}
	for state, n := range b.parts() {
		if counts[state] != n {
			w.t.Errorf("%s: the tally says %d %s, the rows %d", b.Title, n, state, counts[state])
		}
	}
	if len(copies) > 0 || unexcused > mayRepeat {
		w.t.Errorf("%s: %d got it who are not on the list; %d copies that nobody can excuse", b.Title, len(copies), unexcused)
	}
}

// whole expects that nobody who could be reached was not.
func (w *world) whole(b bulletin) {
	w.t.Helper()
	if b.State != "sent" || b.Tally.Sent+b.Tally.Skipped != b.Tally.Total || b.Tally.Sent < b.Tally.Total*8/10 {
		w.t.Errorf("%s ended as %s (%s): %+v", b.Title, b.State, b.Reason, b.Tally)
	}
}

// reached waits until so many people got a broadcast.
func (w *world) reached(id string, people int64) {
	w.t.Helper()
	w.until("a part is sent", func() bool { return w.sim.Report().ByBroadcast[id].Reached >= people })
}

// silent waits until nothing of a broadcast was stored for a while.
func (w *world) silent(id string) {
	w.t.Helper()
	w.until("nothing is sent any more", func() bool {
		last := w.sim.Report().ByBroadcast[id].LastStored
		return last == nil || time.Since(*last) > 1500*time.Millisecond
	})
}

// ready is the status of a server's readiness check, 0 for no answer.
func ready(base string) int {
	r, err := http.Get(base + "/readyz")
	if err != nil {
		return 0
	}
	defer func() { _ = r.Body.Close() }()
	return r.StatusCode
}

// replica is a server in a process of its own.
type replica struct {
	*exec.Cmd
	base string
}

// spawn starts a server where the world's settings say and waits until it is ready.
func (w *world) spawn() *exec.Cmd {
	w.t.Helper()
	r := w.start(w.env["FANFARE_LISTEN"])
	w.awaits(r)
	return r.Cmd
}

// replicas starts so many servers on one database, all ready when it returns. The
// first has the world's address, which is where the stories call.
func (w *world) replicas(n int, env ...string) []*replica {
	w.t.Helper()
	var all []*replica
	var events []string
	for i := range n {
		listen := w.env["FANFARE_LISTEN"]
		if i > 0 {
			listen = freePort(w.t)
		}
		all = append(all, w.start(listen, env...))
		events = append(events, all[i].base+"/api/messages")
	}
	w.sim.SetBotEndpoint(events...)
	for _, r := range all {
		w.awaits(r)
	}
	return all
}

func (w *world) awaits(r *replica) {
	w.t.Helper()
	w.until("the process is ready", func() bool { return ready(r.base) == http.StatusOK })
}

// start starts a server in a process of its own, with further settings.
func (w *world) start(listen string, env ...string) *replica {
	w.t.Helper()
	cmd := exec.Command(os.Args[0], "serve")
	cmd.Env = append(os.Environ(), asProduct+"=1")
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(append(cmd.Env, "FANFARE_LISTEN="+listen), env...) // the last one counts
	cmd.Stdout, cmd.Stderr = logOf(w.t), logOf(w.t)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGKILL); _ = cmd.Wait() })
	return &replica{cmd, "http://" + listen}
}

// kills ends a process as a power cut would.
func kills(p *exec.Cmd) {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// perSecond is how many messages of a broadcast were stored in each whole second
// from one moment to another, all broadcasts' together without an ID.
func (w *world) perSecond(id string, from, to time.Time) []int {
	w.t.Helper()
	r := w.sim.Rates(min(900, int(time.Since(from).Seconds())+3))
	counts := r.Stored
	if id != "" {
		counts = r.StoredByBroadcast[id]
	}
	return seconds(counts, r.From, from, to)
}

// seconds cuts the whole seconds between two moments out of a history.
func seconds(history []int, begins, from, to time.Time) []int {
	var out []int
	for i, n := range history {
		at := begins.Add(time.Duration(i) * time.Second)
		if !at.Before(from) && !at.Add(time.Second).After(to) {
			out = append(out, n)
		}
	}
	return out
}

func sum(counts []int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// reasonsOf counts a broadcast's people by state and reason, "skipped blocked".
func (w *world) reasonsOf(id string) map[string]int {
	w.t.Helper()
	var page struct {
		Reasons []struct {
			State, Reason string
			Count         int
		}
	}
	w.must(200, "author", "GET", "/broadcasts/"+id+"/reasons", nil, &page)
	counts := map[string]int{}
	for _, r := range page.Reasons {
		counts[strings.TrimSpace(r.State+" "+r.Reason)] = r.Count
	}
	return counts
}
