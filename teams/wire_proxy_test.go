package teams

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// proxyStory is set in the processes of TestProxiesOfTheEnvironment.
const proxyStory = "FANFARE_TEST_PROXY"

// newProxy is a proxy that opens tunnels, all of them to one place, because names of
// this machine are never asked of a proxy. It tells whom it was asked for.
func newProxy(t *testing.T, to string) (address string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var names []string
	p := newPeer(t, false, func(_ *peer, _ int32, c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil || req.Method != http.MethodConnect {
			return
		}
		mu.Lock()
		names = append(names, req.Host+" "+req.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		out, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		say(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(out, r); _ = out.Close() })
		both.Go(func() { _, _ = io.Copy(c, out); _ = c.Close() })
		both.Wait()
	})
	return p.host, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), names...)
	}
}

// TestProxiesOfTheEnvironment runs itself in processes of their own, because the
// standard library reads the environment once.
func TestProxiesOfTheEnvironment(t *testing.T) {
	if os.Getenv(proxyStory) != "" {
		sendAsTheEnvironmentSays(t)
		return
	}
	t.Parallel()
	p := newPeer(t, true, func(p *peer, _ int32, c net.Conn, r *bufio.Reader) {
		for p.next(r) != nil {
			say(c, created)
		}
	})
	proxy, asked := newProxy(t, p.host)
	run := func(env ...string) string {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxiesOfTheEnvironment$", "-test.v")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", env, err, out)
		}
		return string(out)
	}
	through := "HTTPS_PROXY=http://user:secret@" + proxy
	out := run(proxyStory+"=example.com", through, "NO_PROXY=")
	if got := asked(); len(got) != 1 || got[0] != "example.com:443 Basic dXNlcjpzZWNyZXQ=" || !strings.Contains(out, "sent: 7") {
		t.Errorf("the proxy was asked for %q\n%s", got, out)
	}
	if p.asked.Load() != 1 {
		t.Errorf("%d requests arrived", p.asked.Load())
	}
	for _, exempt := range []string{"example.com", ".com,10.0.0.0/8", "*"} {
		if out := run(proxyStory+"=example.com", through, "NO_PROXY="+exempt); !strings.Contains(out, "no proxy") {
			t.Errorf("NO_PROXY=%s:\n%s", exempt, out)
		}
	}
}

// sendAsTheEnvironmentSays sends to a name that only the proxy leads to this machine.
func sendAsTheEnvironmentSays(t *testing.T) {
	name := os.Getenv(proxyStory)
	p := newPeer(t, true, func(*peer, int32, net.Conn, *bufio.Reader) {}) // its certificate is the same in every process
	client, _ := p.client(t, func(o *Options) { o.Hosts = hostList(t, p.host, name) })
	to := broadcast.ConversationReference{ServiceURL: "https://" + name, ConversationID: "a:1"}
	if must(client.place(to.ServiceURL)).direct {
		t.Log("no proxy")
		return
	}
	id, err := client.Send(t.Context(), to, jsonOf(10))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("sent: %s", id)
}
