package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// hasty is our server with its limit of reading made short.
func hasty(t *testing.T, h http.HandlerFunc, within time.Duration) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = newHTTP(t.Context(), h)
	if s.Config.ReadTimeout <= 0 || s.Config.WriteTimeout <= 0 {
		t.Fatal("a client may take for ever")
	}
	s.Config.ReadTimeout = within
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestABodyThatNeverComesEndsTheRequest(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := hasty(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}, 50*time.Millisecond)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-read:
		if err == nil {
			t.Error("a body of 1 byte was taken for one of 100")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the request still waits for its body")
	}
}

// TestWorkAfterTheBodyIsNotHurried: neither a long count nor a live stream may be
// cut off by the limit of reading.
func TestWorkAfterTheBodyIsNotHurried(t *testing.T) {
	t.Parallel()
	const within = 50 * time.Millisecond
	s := hasty(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Error("the request was ended while it was worked on")
		case <-time.After(6 * within):
		}
		_, _ = io.WriteString(w, "done")
	}, within)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		words := ""
		if method == http.MethodPost {
			words = "words"
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL, strings.NewReader(words))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || string(body) != "done" {
			t.Errorf("%s: %q, %v", method, body, err)
		}
	}
}
