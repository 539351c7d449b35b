package teams

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

func TestEveryShapeOfAnAnswerIsRead(t *testing.T) {
	t.Parallel()
	const chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"i\r\n7\r\nd\":\"7\"}\r\n0\r\n"
	for name, c := range map[string]struct {
		answer string
		then   string // what the server does afterwards, if it does not go on
		status int    // of the fault, -1 if there is no answer; 0 for a success
		id     string
	}{
		"plain":                  {created, "", 0, "7"},
		"chunked":                {"HTTP/1.1 201 Created\r\n" + chunked + "\r\n", "", 0, "7"},
		"chunked, with trailer":  {"HTTP/1.1 201 Created\r\n" + chunked + "X-A: b\r\n\r\n", "", 0, "7"},
		"empty":                  {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "", 0, ""},
		"no content":             {"HTTP/1.1 204 No Content\r\n\r\n", "", 0, ""},
		"announced":              {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + created, "", 0, "7"},
		"until the end":          {"HTTP/1.1 201 Created\r\n\r\n" + `{"id":"7"}`, "closes", 0, "7"},
		"says it closes":         {strings.Replace(created, "Content-Type", "Connection: close\r\nContent-Type", 1), "waits", 0, "7"},
		"HTTP/1.0":               {strings.Replace(created, "1.1", "1.0", 1), "waits", 0, "7"},
		"more than asked for":    {created + "HTTP/1.1 200 OK\r\n\r\n", "waits", 0, "7"},
		"body breaks off":        {strings.Replace(created, "10", "99", 1), "closes", 0, "7"},
		"too long a body":        {"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), "waits", 0, ""},
		"a body without end":     {"HTTP/1.1 201 Created\r\n\r\n", "babbles", 0, ""},
		"HTML":                   {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<h1>Bad Gate</h1>\n", "", 502, ""},
		"no reason phrase":       {"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", "", 503, ""},
		"switching":              {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "waits", 101, ""},
		"not HTTP":               {"SSH-2.0-OpenSSH\r\n\r\n", "waits", -1, ""},
		"nothing":                {"", "closes", -1, ""},
		"half a status line":     {"HTTP/1.1 20", "closes", -1, ""},
		"half a header":          {"HTTP/1.1 201 Created\r\nContent-Le", "closes", -1, ""},
		"two lengths":            {"HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "waits", -1, ""},
		"endless header":         {"HTTP/1.1 201 Created\r\nX: ", "babbles", -1, ""},
		"nothing but announcing": {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 50), "waits", -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, false, func(p *peer, _ int32, conn net.Conn, r *bufio.Reader) {
				for p.next(r) != nil {
					say(conn, c.answer)
					switch c.then {
					case "closes":
						return
					case "waits":
						alone(r)
						return
					case "babbles":
						for _, err := conn.Write([]byte("x")); err == nil; {
							_, err = conn.Write(bytes.Repeat([]byte("x"), 4096))
						}
						return
					}
				}
			})
			client, _ := p.client(t)
			for range 2 {
				id, err := client.Send(t.Context(), p.at("a:1"), jsonOf(4000))
				switch {
				case c.status < 0:
					trouble(t, err, CodeNetwork, true)
				case c.status > 0:
					if f := broadcast.AsFault(err); f.Status != c.status {
						t.Errorf("got %v, want status %d", err, c.status)
					}
				case err != nil || id != c.id:
					t.Errorf("got %q, %v; want %q", id, err, c.id)
				}
			}
			want := int32(2)
			if c.then == "" {
				want = 1
			}
			if p.conns.Load() != want || p.asked.Load() != 2 {
				t.Errorf("%d requests over %d connections, want 2 over %d", p.asked.Load(), p.conns.Load(), want)
			}
		})
	}
}

func TestTheHeadersThatCountAreRead(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		p := newPeer(t, false, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
			for p.next(r) != nil {
				say(c, "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nx-correlating-operationid: op-9\r\ncontent-length: 0\r\n\r\n")
			}
		})
		client, _ := p.client(t, way)
		_, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10))
		f := fault(t, err, broadcast.Throttled, service, broadcast.ReasonThrottled)
		if f.RetryAfter != 7*time.Second || !strings.Contains(f.Detail, "op-9") {
			t.Errorf("fault %+v", f)
		}
	})
}

func TestARefusalThatComesBeforeTheRequestIsReadIsHeard(t *testing.T) {
	t.Parallel()
	p := newPeer(t, false, func(_ *peer, _ int32, c net.Conn, r *bufio.Reader) {
		_, _ = r.Peek(16)
		say(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}) // which hangs up without having read the rest: writing fails
	client, _ := p.client(t)
	large := jsonOf(16 << 20)
	for range 3 {
		_, err := client.Send(t.Context(), p.at("a:1"), large)
		fault(t, err, permanent, broadcast.ScopeBroadcast, broadcast.ReasonTooLarge)
	}
}

func TestATokenCannotWriteHeaders(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, way func(*Options)) {
		p := newPeer(t, false, func(p *peer, _ int32, _ net.Conn, r *bufio.Reader) { p.next(r) })
		client, _ := p.client(t, way, func(o *Options) { o.Token = &fixedToken{tokens: []string{"a\r\nX-Evil: b"}} })
		_, err := client.Send(t.Context(), p.at("a:1"), jsonOf(10))
		if f := trouble(t, err, CodeNetwork, false); strings.Contains(f.Detail, "Evil") || p.asked.Load() != 0 {
			t.Errorf("fault %+v after %d requests", f, p.asked.Load())
		}
	})
}

func FuzzAnIDIsReadAsADecoderReadsIt(f *testing.F) {
	for _, body := range []string{`{"id":"17"}`, `{"id":"17"} `, `{"id":"a\"}`, `{"id":"a\u0041"}`, `{"id":"","id":"b"}`, `{"id":"é"}`, "{\"id\":\"\xff\"}", `{"id":"a"},{"id":"b"}`, `{"ID":"x"}`, ""} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(body, &want)
		if got := idOf(body); got != want.ID {
			t.Errorf("%q: %q, want %q", body, got, want.ID)
		}
	})
}
