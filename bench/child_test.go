package bench_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fanfare/fanfare/server"
)

// envRole makes this test binary play a part in a process of its own.
const envRole = "FANFARE_BENCH_ROLE"

var roles = map[string]func() error{
	"sink": playSink, "simulator": playSimulator, "contender": playContender,
	"product": func() error {
		if code := server.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr); code != 0 {
			return fmt.Errorf("the product ended with %d", code)
		}
		return nil
	},
}

// told receives the lines the harness writes to a child.
var told = make(chan string, 1)

// play plays a role until it ends, or until the harness does: its end of the pipe
// closes however it dies, and then nobody goes on alone.
func play(role string) int {
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			told <- in.Text()
		}
		close(told)
		if self, err := os.FindProcess(os.Getpid()); role == "product" && err == nil {
			_ = self.Signal(syscall.SIGTERM)
			return
		}
		os.Exit(0)
	}()
	if err := profiled(role); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		return 1
	}
	return 0
}

// profiled plays a role and leaves its CPU profile where FANFARE_BENCH_PROFILE says.
func profiled(role string) error {
	dir := os.Getenv("FANFARE_BENCH_PROFILE")
	if dir == "" || role == "sink" { // which ends without a word
		return roles[role]()
	}
	f, err := os.CreateTemp(dir, role+"-*.pprof")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return roles[role]()
}

// child is one of our processes.
type child struct {
	t    testing.TB
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	done bool
}

// spawn starts a child; it ends with the test at the latest.
func spawn(t testing.TB, role string, env map[string]string, args ...string) *child {
	t.Helper()
	c := &child{t: t, role: role, cmd: exec.Command(os.Args[0], args...)}
	c.cmd.Env = append(os.Environ(), envRole+"="+role)
	for name, value := range env {
		c.cmd.Env = append(c.cmd.Env, name+"="+value)
	}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.end)
	return c
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// hear is the next line the child says.
func (c *child) hear() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("the %s ended early", c.role)
	}
	return c.out.Text()
}

func (c *child) tell(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		c.t.Fatalf("the %s does not listen: %v", c.role, err)
	}
}

// end lets the child end and waits for it.
func (c *child) end() {
	if c.done {
		return
	}
	c.done = true
	_ = c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the %s ended with %v", c.role, err)
	}
}

// peakMB is the most memory the child has held. It is read from /proc because what
// wait4 tells of a child begins with its parent's.
func (c *child) peakMB() float64 {
	c.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid()))
	if err != nil {
		c.t.Fatalf("memory is read from Linux's /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	kB, err := strconv.ParseFloat(strings.Fields(rest + " ?")[0], 64)
	if err != nil {
		c.t.Fatalf("no VmHWM in /proc/%d/status", c.pid())
	}
	return kB * 1024 / 1e6
}

// tick is the unit of CPU time in /proc: USER_HZ, a hundredth of a second on every
// Linux there is.
const tick = 10 * time.Millisecond

// process is a line of /proc/PID/stat.
type process struct {
	parent int
	used   time.Duration // by itself and by the children it has waited for
}

func processes(t testing.TB) map[int]process {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	all := map[int]process{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		_, rest, _ := strings.Cut(string(raw[strings.LastIndexByte(string(raw), ')'):]), " ")
		fields := strings.Fields(rest) // from the third on: state, ppid, …
		var p process
		p.parent, _ = strconv.Atoi(fields[1])
		for _, n := range fields[11:15] { // utime, stime, cutime, cstime
			ticks, _ := strconv.Atoi(n)
			p.used += time.Duration(ticks) * tick
		}
		all[pid] = p
	}
	if len(all) == 0 {
		t.Fatal("CPU time is read from Linux's /proc, which is not here")
	}
	return all
}

// cpu is the CPU time of a process and all below it, since they began.
func cpu(t testing.TB, root int) time.Duration {
	t.Helper()
	all := processes(t)
	below := map[int][]int{}
	for pid, p := range all {
		below[p.parent] = append(below[p.parent], pid)
	}
	sum, todo := time.Duration(0), []int{root}
	for len(todo) > 0 {
		pid := todo[0]
		todo = append(todo[1:], below[pid]...)
		sum += all[pid].used
	}
	return sum
}
