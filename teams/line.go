package teams

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read of an answer, besides its body.
const (
	maxHeader  = 64 << 10
	maxInterim = 5 // answers of the 1xx kind, which only announce another
)

var errTooLong = errors.New("the answer is too long")

// line is one connection to the Connector. One call uses it at a time.
type line struct {
	raw  *socket
	conn net.Conn // raw, or TLS over it
	in   *bufio.Reader
	left int64 // bytes of the current answer we are still willing to read
	out  []byte
	got  []byte
	cut  func() // ends whatever the line is waiting for

	used  bool      // it has carried a call before
	whole bool      // the last call left it fit for another
	freed time.Time // since when nobody uses it
}

// socket counts what the system has taken of a request: as long as that is
// nothing, nothing can have arrived.
type socket struct {
	net.Conn
	wrote int64
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.wrote += int64(n)
	return n, err
}

// dial opens a line, with TLS where the place asks for it.
func (w *Wire) dial(ctx context.Context, to *place) (*line, error) {
	conn, err := w.dialer.DialContext(ctx, "tcp", to.addr)
	if err != nil {
		return nil, err
	}
	l := &line{raw: &socket{Conn: conn}}
	l.conn = l.raw
	if to.secure {
		config := w.tls.Clone()
		config.ServerName = to.name
		secured := tls.Client(l.raw, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("no safe connection: %w", err)
		}
		l.conn = secured
	}
	l.in = bufio.NewReader(l)
	l.cut = func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) }
	return l, nil
}

func (l *line) wrote() bool { return l.raw.wrote > 0 }

// Read is the connection's, up to what the current answer may have.
func (l *line) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.conn.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	if err != nil {
		l.whole = false
	}
	return n, err
}

// exchange makes one call. It ends at the line's deadline or with the context; a
// line whose call was cut off is never used again, as the cut may still be under way.
func (l *line) exchange(ctx context.Context, k *call, token string) (answer, error) {
	l.raw.wrote, l.used, l.whole = 0, true, true
	stop := context.AfterFunc(ctx, l.cut)
	a, err := l.talk(k, token)
	if !stop() || err != nil {
		l.whole = false
	}
	return a, err
}

// talk writes the request and reads the answer. A server may refuse a request it
// has not read to the end: then its answer is there although writing failed.
func (l *line) talk(k *call, token string) (answer, error) {
	if strings.ContainsAny(token, "\r\n") {
		return answer{}, errors.New("the token holds a line break")
	}
	l.out = k.appendTo(l.out[:0], token)
	_, failed := l.conn.Write(l.out)
	if failed != nil && !l.wrote() {
		return answer{}, failed
	}
	a, err := l.read(k)
	if failed != nil {
		l.whole = false
	}
	if err != nil && failed != nil {
		return answer{}, failed
	}
	return a, err
}

// appendTo writes the request down: one piece of bytes, one system call.
func (k *call) appendTo(out []byte, token string) []byte {
	out = append(out, k.method...)
	out = append(out, ' ')
	out = append(out, k.to.prefix...)
	out = append(out, k.path...)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(out, k.to.host...)
	out = append(out, "\r\nUser-Agent: fanfare\r\nAccept: application/json\r\nAuthorization: Bearer "...)
	out = append(out, token...)
	if k.body != nil {
		out = append(out, "\r\nContent-Type: "+contentType...)
	}
	if k.method == http.MethodPost || k.method == http.MethodPut {
		out = append(out, "\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(k.body)), 10)
	}
	out = append(out, "\r\n\r\n"...)
	return append(out, k.body...)
}

// read reads the answer with the standard library's parser.
func (l *line) read(k *call) (answer, error) {
	l.left = maxHeader + k.bound()
	var resp *http.Response
	for n := 0; ; n++ {
		var err error
		if resp, err = http.ReadResponse(l.in, nil); err != nil {
			return answer{}, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if n == maxInterim {
			return answer{}, errors.New("nothing but provisional answers")
		}
	}
	body, ended := l.body(resp.Body, k.bound())
	l.left = 0 // what is more than that is not waited for
	_ = resp.Body.Close()
	if !ended || resp.Close || l.in.Buffered() > 0 || resp.StatusCode < 200 {
		l.whole = false
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, posts: k.posts}, nil
}

// body reads a body up to a limit, and tells whether that was all of it. One that
// breaks off is as good as what came of it: the status has told already whether the
// message is there.
func (l *line) body(from io.Reader, limit int64) ([]byte, bool) {
	buf := l.got[:0]
	if cap(buf) == 0 || cap(buf) > maxAnswer {
		buf = make([]byte, 0, 512)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := from.Read(buf[len(buf):min(int64(cap(buf)), limit)])
		buf = buf[:len(buf)+n]
		if err != nil || int64(len(buf)) >= limit {
			l.got = buf
			return bytes.Clone(buf), err == io.EOF
		}
	}
}
