package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

// playSink serves until the harness ends it. POST /reset begins anew, GET /report
// tells. It speaks HTTP/1.1 by itself: with net/http's server the sink would cost
// more than any contender, and hide what they cost.
func playSink() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var now atomic.Pointer[sink]
	now.Store(newSink(sinkSettings{}))
	fmt.Println(l.Addr())
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close() // or the harness does, by ending this process
			serveSink(conn, &now)
		}()
	}
}

// request is one as it was read; it is good until the next.
type request struct {
	method, path string
	bearer       bool
	body         []byte
}

// serveSink answers one connection until its other end is gone.
func serveSink(conn net.Conn, now *atomic.Pointer[sink]) {
	in := bufio.NewReaderSize(conn, 16<<10)
	var r request
	var out []byte
	for {
		err := r.read(in)
		if err == io.EOF {
			return
		}
		if err != nil { // a contender that was ended in the middle, or something this is too simple for
			now.Load().bad.Add(1)
			return
		}
		status, said := http.StatusOK, ""
		switch r.path {
		case "/reset":
			var s sinkSettings
			if err := json.Unmarshal(r.body, &s); err != nil {
				return
			}
			now.Store(newSink(s))
		case "/report":
			raw, _ := json.Marshal(now.Load().report())
			said = string(raw)
		default:
			status, said = now.Load().answer(r.method, r.path, r.bearer, r.body)
		}
		if out = appendAnswer(out[:0], status, said); len(out) == 0 {
			return
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func appendAnswer(out []byte, status int, said string) []byte {
	out = fmt.Appendf(out, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(said))
	if status == http.StatusTooManyRequests {
		out = append(out, "Retry-After: 1\r\n"...)
	}
	return append(append(out, "\r\n"...), said...)
}

// read reads a request with a Content-Length or without a body. io.EOF is the end
// between two requests.
func (r *request) read(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		if len(line) > 0 {
			return io.ErrUnexpectedEOF
		}
		return io.EOF
	}
	words := bytes.Fields(line)
	if len(words) != 3 {
		return fmt.Errorf("not a request line: %q", line)
	}
	r.method, r.path, r.bearer = string(words[0]), string(words[1]), false
	length := 0
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return io.ErrUnexpectedEOF
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > 1<<20 {
				return fmt.Errorf("a body of %q bytes", value)
			}
		case bytes.EqualFold(name, []byte("Authorization")):
			r.bearer = bytes.HasPrefix(value, []byte("Bearer "))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return fmt.Errorf("a body in %q", value)
		}
	}
	if cap(r.body) < length {
		r.body = make([]byte, length)
	}
	r.body = r.body[:length]
	_, err = io.ReadFull(in, r.body)
	return err
}
