package server_test

import (
	"database/sql"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
)

// gone shuts the database off for a while and expects that nothing is sent meanwhile
// that could not be recorded.
func (w *world) gone(g *gate, id string, d time.Duration) {
	w.t.Helper()
	began := time.Now()
	g.turn(true)
	w.until("the server says that it cannot work", func() bool { return ready(w.base) == http.StatusServiceUnavailable })
	w.until("the database was gone for long enough", func() bool { return time.Since(began) > d })
	if d > 5*time.Second {
		if sent := sum(w.perSecond(id, began.Add(4*time.Second), time.Now())); sent > 0 {
			w.t.Errorf("%d messages were sent of which the ledger could not know", sent)
		}
	}
	g.turn(false)
	w.until("the server is ready again", func() bool { return ready(w.base) == http.StatusOK })
}

func TestADatabaseThatIsGoneForAWhileLosesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres", nil)
	w.env["FANFARE_CONNECTOR_RATE"] = "20"
	g := w.throughGate()
	w.serve()
	w.rolledOut()
	b := w.sends("In spite of it")
	w.reached(b.ID, 15)
	for range 2 { // a restart
		g.turn(true)
		g.turn(false)
		w.reached(b.ID, w.sim.Report().ByBroadcast[b.ID].Reached+10)
	}
	w.gone(g, b.ID, 8*time.Second)
	b = w.accounted(b.ID)
	w.whole(b)
	if r := w.sim.Report().ByBroadcast[b.ID]; r.Repeats != 0 {
		t.Errorf("%d repeats, though no process died", r.Repeats)
	}
}

func TestAFullDiskStopsSendingUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", func(o *simulator.Options) { o.People = 200 })
	file := w.env["FANFARE_DATABASE"]
	w.env["FANFARE_DATABASE"] += "?max_page_count=3000"
	w.env["FANFARE_CONNECTOR_RATE"] = "10"
	w.serve()
	w.rolledOut()
	b := w.sends("In spite of it")
	w.reached(b.ID, 15)
	db := storetest.SQL(t, file)
	fill(t, db, "CREATE TABLE filler (x BLOB)")
	// What is sent is noted where its row lies and may take no room. A failed try does.
	w.fails(simulator.Fault{Operation: "send", Status: 412, FirstEach: 1, PerMille: 500, Message: strings.Repeat("Not now. ", 100)})
	const filler = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @n) INSERT INTO filler SELECT zeroblob(4000) FROM n"
	fill(t, db, strings.Replace(filler, "@n", "3200", 1))
	w.until("the server says that the disk is full", func() bool {
		fill(t, db, strings.Replace(filler, "@n", "20", 1)) // what the server itself has freed meanwhile
		return ready(w.base) == http.StatusServiceUnavailable
	})
	r, err := http.Get(w.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if !strings.Contains(string(said), "disk_full") {
		t.Errorf("it is not told why: %s", said)
	}
	w.silent(b.ID)
	fill(t, db, "DROP TABLE filler")
	w.until("the server is ready again", func() bool { return ready(w.base) == http.StatusOK })
	b = w.accounted(b.ID)
	w.whole(b)
	if r := w.sim.Report().ByBroadcast[b.ID]; r.Repeats != 0 {
		t.Errorf("%d repeats, though no process died", r.Repeats)
	}
}

// fill changes the database beside the server.
func fill(t *testing.T, db *sql.DB, stmt string) {
	t.Helper()
	if _, err := db.Exec("PRAGMA busy_timeout = 10000; " + stmt); err != nil {
		t.Fatal(err)
	}
}
