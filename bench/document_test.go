package bench_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/store/storetest"
)

// machine is what the figures were measured on.
type machine struct{ cores, memory, kernel, goes, postgres, disk string }

func thisMachine(t testing.TB) machine {
	t.Helper()
	db := openSQL(t, storetest.DSN(t, storetest.Postgres))
	serverOf(t, db, storetest.Postgres)
	show := func(setting string) (v string) {
		if err := db.QueryRow("SHOW " + setting).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return machine{
		cores:  fmt.Sprintf("%d × %s", runtime.NumCPU(), field("/proc/cpuinfo", "model name")),
		memory: field("/proc/meminfo", "MemTotal"),
		kernel: runtime.GOOS + "/" + runtime.GOARCH + " " + firstLine("/proc/sys/kernel/osrelease"),
		goes:   runtime.Version(),
		postgres: fmt.Sprintf("%s, fsync %s, synchronous_commit %s, full_page_writes %s, shared_buffers %s, max_wal_size %s",
			show("server_version"), show("fsync"), show("synchronous_commit"), show("full_page_writes"), show("shared_buffers"), show("max_wal_size")),
		disk: fileSystem(os.TempDir()),
	}
}

// field is the value of "name: value" in a file of /proc.
func field(file, name string) string {
	raw, _ := os.ReadFile(file)
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	raw, _ := os.ReadFile(file)
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

// fileSystem is the kind of file system a folder is on: on one in memory, nothing
// would be durable.
func fileSystem(folder string) string {
	raw, _ := os.ReadFile("/proc/mounts")
	kind, longest := "unknown", 0
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) > 2 && len(f[1]) > longest && strings.HasPrefix(folder+"/", strings.TrimSuffix(f[1], "/")+"/") {
			kind, longest = f[2], len(f[1])
		}
	}
	return kind
}

// loadNow is the machine's load averages.
func loadNow() string {
	f := strings.Fields(firstLine("/proc/loadavg"))
	return strings.Join(f[:min(3, len(f))], " ")
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--tags").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// command is how to measure this part again.
func (f *figures) command() string {
	var env []string
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "FANFARE_BENCH_") || name == storetest.EnvPostgres {
			env = append(env, e)
		}
	}
	slices.Sort(env)
	return strings.Join(append(env, "make bench BENCH="+f.part.name), " ")
}

const introduction = `# Performance

What ` + "`make bench`" + ` measured: Fanfare as a real process, beside plain loops and a peer, in turns
within one run, on loopback. The command writes this file; do not edit the tables.
Client, database and the Connector's stand-in share the machine's cores, and the
machine is not alone: absolute figures are worth little, look at the ratios. CPU is
user and system time from the operating system; peak memory is VmHWM. The stand-in
parses every message, answers 201 and checks that everybody got it exactly once: a run
in which anything else happened is a failure and not in these tables.
`

// publish replaces the part's section of the document, and the machine's.
func (b *bench) publish(t testing.TB, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = []byte(introduction), os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(b.rows) == 0 {
		return // nothing was asked for
	}
	raw = section(raw, "Machine", b.machine.text())
	raw = section(raw, b.part.name, b.text())
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// section replaces what stands between a section's markers, or appends it.
func section(in []byte, name, text string) []byte {
	begin, end := "<!-- "+name+": written by make bench -->\n", "<!-- /"+name+" -->\n"
	text = begin + text + end
	before, rest, found := bytes.Cut(in, []byte(begin))
	if !found {
		return append(append(in, '\n'), text...)
	}
	_, after, _ := bytes.Cut(rest, []byte(end))
	return append(append(before[:len(before):len(before)], text...), after...)
}

func (m machine) text() string {
	return fmt.Sprintf("## The machine\n\n| | |\n|---|---|\n| processors | %s |\n| memory | %s |\n| system | %s |\n| files on | %s |\n| Go | %s |\n| PostgreSQL | %s |\n",
		m.cores, m.memory, m.kernel, m.disk, m.goes, m.postgres)
}

// text is the part's section: a table of medians, then the ratios.
func (f *figures) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n\n`%s`  \n%s, commit %s, load before %s\n\n| | n |", f.part.name, f.part.about, f.command(),
		time.Now().UTC().Format("2006-01-02 15:04 MST"), commit(), f.load)
	for _, u := range f.units {
		fmt.Fprintf(&b, " %s |", u)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---:|", len(f.units)) + "\n")
	for _, r := range f.rows {
		fmt.Fprintf(&b, "| %s | %d |", r.name, len(r.rounds))
		for _, u := range f.units {
			cell := ""
			if v, ok := r.median(u); ok {
				cell = short(v)
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteByte('\n')
	}
	b.WriteString(f.ratiosText())
	return b.String()
}

func (f *figures) ratiosText() string {
	var b strings.Builder
	for _, r := range f.part.ratios {
		median, pairs := f.compare(r)
		if pairs == 0 {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n| ratio, median of pairs | of | pairs | is | target |\n|---|---|---:|---:|---|\n")
		}
		fmt.Fprintf(&b, "| %s / %s | %s | %d | %.2f | %s |\n", r.of, r.to, r.unit, pairs, median, r.target)
	}
	return b.String()
}
