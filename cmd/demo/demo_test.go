package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asDemo makes the test binary behave as the demo, so that a real process can be
// started and interrupted.
const asDemo = "FANFARE_TEST_AS_DEMO"

func TestMain(m *testing.M) {
	if os.Getenv(asDemo) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// start runs a demo until it has announced itself.
func start(t *testing.T, dir string, args ...string) (announcement, *exec.Cmd) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "announce.json")
	args = append([]string{"-announce", file, "-listen", "127.0.0.1:0", "-people", "300"}, args...)
	if dir != "" {
		args = append(args, "-data", dir)
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asDemo+"=1")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var a announcement
	within(t, "the demo announces itself", func() bool {
		raw, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(raw, &a) == nil
	})
	return a, cmd
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// interrupt presses Ctrl-C and expects a clean end.
func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C did not end it cleanly: %v", err)
	}
}

// ask calls the API as one of the parts and reads the answer into out.
func ask(t *testing.T, a announcement, part, method, path, body string, out any) {
	t.Helper()
	r, err := http.NewRequest(method, a.API+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.People[part].APIKey)
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d", method, path, got.StatusCode)
	}
	if err := json.NewDecoder(got.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

type progress struct {
	ID    string
	State string
	Tally struct{ Total, Sent int }
}

// reached asks the simulator, over https with the CA the demo wrote.
func reached(t *testing.T, a announcement) (people, repeats int) {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the CA file holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	got, err := client.Get(a.Simulator + "/_simulator/report")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	var r struct{ Reached, Repeats int }
	if err := json.NewDecoder(got.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r.Reached, r.Repeats
}

func TestDemoGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ports := []string{"-simulator-listen", "127.0.0.1:0"}
	a, cmd := start(t, dir, ports...)
	// The simulated service URLs are remembered with their port: keep it.
	ports[1] = strings.TrimPrefix(a.Simulator, "https://")
	var b progress
	ask(t, a, "author", "POST", "/broadcasts", `{"title":"Half way","body":"There and back.","audience":{"everyone":true}}`, &b)
	ask(t, a, "author", "POST", "/broadcasts/"+b.ID+"/submit", "", &b)
	ask(t, a, "approver", "POST", "/broadcasts/"+b.ID+"/approve", "", &b)
	ask(t, a, "admin", "POST", "/broadcasts/"+b.ID+"/send", "", &b)
	within(t, "some have got it", func() bool { n, _ := reached(t, a); return n > 20 })
	interrupt(t, cmd)

	a, cmd = start(t, dir, ports...)
	within(t, "everybody is done", func() bool {
		ask(t, a, "author", "GET", "/broadcasts/"+b.ID, "", &b)
		return b.State == "sent"
	})
	people, repeats := reached(t, a)
	if people != b.Tally.Sent || repeats != 0 || b.Tally.Total != 300 || people < 250 {
		t.Errorf("the tally says %+v, really reached %d with %d repeats", b.Tally, people, repeats)
	}
	interrupt(t, cmd)
}

func TestDemoExplainsItsFlagsAndItsMistakes(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run([]string{"-h"}, &out, &errs); code != 0 {
		t.Errorf("-h ends with %d", code)
	}
	for _, flag := range []string{"-people", "-listen", "-simulator-listen", "-database", "-data", "-rate", "-announce"} {
		if !strings.Contains(out.String(), flag+" ") {
			t.Errorf("-h does not explain %s", flag)
		}
	}
	for _, args := range [][]string{{"-people", "3"}, {"-rate", "-1"}, {"now"}, {"-fly"}} {
		errs.Reset()
		if code := run(args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v ends with %d: %s", args, code, errs.String())
		}
	}
}
