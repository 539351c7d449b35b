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

func TestABodyThatNeverComesEndsTheRequest(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := httptest.NewServer(hurried(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}), 50*time.Millisecond))
	t.Cleanup(s.Close)
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

// TestWorkAfterTheBodyIsNotHurried: a long count must not be cut off by the limit
// of the body that asked for it.
func TestWorkAfterTheBodyIsNotHurried(t *testing.T) {
	t.Parallel()
	const within = 50 * time.Millisecond
	s := httptest.NewServer(hurried(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Error("the request was ended while it was worked on")
		case <-time.After(6 * within):
		}
		_, _ = io.WriteString(w, "done")
	}), within))
	t.Cleanup(s.Close)
	for range 2 { // the connection is used again
		answer, err := s.Client().Post(s.URL, "text/plain", strings.NewReader("words"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || string(body) != "done" {
			t.Errorf("%q, %v", body, err)
		}
	}
}
