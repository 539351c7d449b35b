package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestItServesUntilItIsStoppedAndRemembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, state := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "state.json")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"-listen", "127.0.0.1:0", "-people", "50", "-ca-file", ca, "-state", state}, writer, io.Discard)
		_ = writer.Close()
	}()
	said := make([]byte, 4096)
	n, err := reader.Read(said)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	report := regexp.MustCompile(`http://\S+/report`).FindString(string(said[:n]))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, report, nil)
	if err != nil {
		t.Fatalf("%q: %v", said[:n], err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), `"people":50`) {
		t.Errorf("report: %s", body)
	}
	if pem, err := os.ReadFile(ca); err != nil || !bytes.Contains(pem, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("CA file: %v", err)
	}
	stop()
	select {
	case got := <-code:
		if _, err := os.Stat(state); got != 0 || err != nil {
			t.Errorf("exit code %d, state: %v", got, err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("it does not stop")
	}
}

func TestMistakesOfTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":      {[]string{"-h"}, 0, "-install-rate"},
		"bad flag":  {[]string{"-nonsense"}, 2, "nonsense"},
		"argument":  {[]string{"extra"}, 2, "extra"},
		"people":    {[]string{"-people", "-5"}, 1, "people"},
		"ca file":   {[]string{"-ca-file", filepath.Join(t.TempDir(), "no", "such", "dir")}, 1, "CA certificate"},
		"bad addrs": {[]string{"-ca-file", "", "-listen", "nowhere:x"}, 1, "listening"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: code %d, %s", name, code, out.String())
		}
	}
}
