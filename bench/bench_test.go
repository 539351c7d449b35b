package bench_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/store/storetest"
)

var (
	measure  = flag.String("measure", "", "the parts to measure, a regular expression; nothing is measured without it")
	document = flag.String("document", "", "the file whose sections are replaced by what was measured")
)

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		os.Exit(play(role))
	}
	if err := os.Setenv(storetest.EnvDurable, "1"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(storetest.Main(m))
}

// part is something that is measured on its own.
type part struct {
	name   string
	about  string // for the document
	ratios []ratio
	run    func(t *testing.T, b *bench)
}

var parts = []part{fanoutPart, curvePart, resolvePart, budgetPart, limitPart, oldPart, syncPart, previewPart, rolloutPart}

// TestMeasure measures the parts that -measure names.
func TestMeasure(t *testing.T) {
	if *measure == "" {
		return // TestHarness checks that measuring works; see doc.go for the real thing
	}
	wanted, err := regexp.Compile(*measure)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	for _, p := range parts {
		if !wanted.MatchString(p.name) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			b.begin(p)
			p.run(t, b)
		})
		if t.Failed() {
			return // what failed is no measurement, and what follows would be none either
		}
		if *document != "" {
			b.publish(t, *document)
		}
	}
}

// bench is one run of measurements.
type bench struct {
	sink     *sinkProcess
	settings map[string]string // of a product in this world
	machine  machine
	figures
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{sink: startSink(t)}
	b.settings = startSimulator(t, b.sink)
	b.machine = thisMachine(t)
	return b
}

// number is a size from the environment.
func number(t testing.TB, name string, usual int) int {
	t.Helper()
	raw := os.Getenv(name)
	if raw == "" {
		return usual
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q; it must be a whole number", name, raw)
	}
	return n
}

func rounds(t testing.TB, usual int) int {
	t.Helper()
	return max(1, number(t, "FANFARE_BENCH_ROUNDS", usual))
}

// database is what there is to know of a database that is measured.
type database struct {
	kind, dsn string
	db        *sql.DB
	server    int // the PostgreSQL server's process, if it is on this machine
}

func newDatabase(t testing.TB, kind string) database {
	t.Helper()
	d := database{kind: kind}
	if kind == "" {
		return d
	}
	d.dsn = storetest.DSN(t, kind)
	d.db = openSQL(t, d.dsn)
	d.server = serverOf(t, d.db, kind)
	return d
}

// serverOf finds the process all of PostgreSQL's others come from. A server that is
// not safe against power cuts is no rival.
func serverOf(t testing.TB, db *sql.DB, kind string) int {
	t.Helper()
	if kind != storetest.Postgres {
		return 0
	}
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := db.QueryRow("SHOW " + setting).Scan(&value); err != nil || value != "on" {
			t.Fatalf("PostgreSQL's %s is %q (%v): what is measured must be durable", setting, value, err)
		}
	}
	backend := ask(t, db, "SELECT pg_backend_pid()")
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", backend))
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return 0 // on another machine: its CPU cannot be counted
	}
	return processes(t)[backend].parent
}
