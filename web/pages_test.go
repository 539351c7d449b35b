package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/static"
)

func TestEveryPageRendersInEveryState(t *testing.T) {
	t.Parallel()
	st, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := frame.LoadPages(templates, vocabulary(st))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, s := range samples() {
		var out bytes.Buffer
		if err := p.Page(&out, s.page, s.data); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		shown[s.page] = true
		checkPage(t, s.name, out.Bytes())
		if strings.Contains(out.String(), "<img src=x") {
			t.Errorf("%s: people's words became markup", s.name)
		}
	}
	for _, name := range p.Names() {
		if !shown[name] {
			t.Errorf("no sample shows page %q", name)
		}
	}
}

// checkPage is what every page promises: nothing inline, every reference leads
// somewhere, every control has a name.
func checkPage(t *testing.T, name string, raw []byte) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ids, labels := map[string]int{}, map[string]bool{}
	each(root, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
		if n.Data == "label" {
			labels[attr(n, "for")] = true
		}
	})
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: the id %q stands %d times", name, id, n)
		}
	}
	each(root, func(n *html.Node) {
		checkElement(t, name, n, labels)
		for _, a := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "form"} {
			for _, id := range strings.Fields(attr(n, a)) {
				if ids[id] == 0 {
					t.Errorf("%s: %s=%q of <%s> leads nowhere", name, a, id, n.Data)
				}
			}
		}
	})
}

func checkElement(t *testing.T, name string, n *html.Node, labels map[string]bool) {
	t.Helper()
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("%s: <%s> has %s=%q: the policy forbids it", name, n.Data, a.Key, a.Val)
		}
	}
	switch n.Data {
	case "style":
		t.Errorf("%s: inline style", name)
	case "script":
		if attr(n, "src") == "" && attr(n, "type") != "application/json" {
			t.Errorf("%s: inline script", name)
		}
	case "input", "textarea", "select":
		kind := attr(n, "type")
		named := kind == "hidden" || labels[attr(n, "id")] || attr(n, "aria-label") != "" || inside(n, "label")
		if !named {
			t.Errorf("%s: <%s name=%q> has no label", name, n.Data, attr(n, "name"))
		}
	case "button", "a":
		if attr(n, "aria-label") == "" && strings.TrimSpace(text(n)) == "" {
			t.Errorf("%s: a <%s> without words", name, n.Data)
		}
	}
}

func each(n *html.Node, f func(*html.Node)) {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && !inside(c, "template") {
			f(c)
		}
	}
}

func inside(n *html.Node, tag string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && p.Data == tag {
			return true
		}
	}
	return false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var out strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			out.WriteString(c.Data)
		}
	}
	return out.String()
}

func TestButtonsAreExactlyWhatTheMovesTableAllows(t *testing.T) {
	t.Parallel()
	st, _ := static.Load()
	p, err := frame.LoadPages(templates, vocabulary(st))
	if err != nil {
		t.Fatal(err)
	}
	action := regexp.MustCompile(`action="/broadcasts/[^/"]+/([a-z]+)"`)
	for _, s := range broadcast.States() {
		for _, a := range []broadcast.Actor{ada, ben, cora, dan} {
			page := showSample(s, a)
			var out bytes.Buffer
			if err := p.Page(&out, page.page, page.data); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, m := range action.FindAllStringSubmatch(out.String(), -1) {
				if m[1] != "duplicate" && m[1] != "correct" { // no moves, but beginnings
					got = append(got, m[1])
				}
			}
			for _, r := range broadcast.Moves() {
				b := sampleBroadcast(s)
				if r.From == s && b.Can(a, r.Event) && r.Event != broadcast.EventEdit {
					want = append(want, string(r.Event))
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s sees for %s the buttons %v, want %v", a.Name, s, got, want)
			}
		}
	}
}

func TestAPageIsLight(t *testing.T) {
	t.Parallel()
	const limit = 150_000 // compressed, beside the renderer (measure.md)
	st, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for name, a := range st.ByName {
		if strings.HasSuffix(name, ".css") || strings.HasPrefix(name, "js/") {
			sum += len(a.Gzipped)
		}
	}
	p, _ := frame.LoadPages(templates, vocabulary(st))
	for _, s := range samples() {
		var out, packed bytes.Buffer
		if err := p.Page(&out, s.page, s.data); err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(out.Bytes())
		_ = z.Close()
		if n := sum + packed.Len(); n > limit {
			t.Errorf("%s weighs %d bytes with everything, at most %d", s.name, n, limit)
		}
	}
	if sum > 40_000 {
		t.Errorf("styles and modules weigh %d bytes compressed: look at what grew", sum)
	}
}

func TestStaticFilesAreKeptForEverUntilTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.nobody()
	href := regexp.MustCompile(`/static/[0-9a-f]{12}/css/base\.css`).FindString(v.get("/sign-in").body)
	if href == "" {
		t.Fatal("the page names no style sheet")
	}
	a := v.get(href).says(http.StatusOK, "--brand")
	if cc := a.header.Get("Cache-Control"); !strings.Contains(cc, "immutable") || a.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("headers %v", a.header)
	}
	if len(a.header.Values("Set-Cookie")) > 0 {
		t.Error("a file starts a session")
	}
	old := v.get("/static/000000000000/js/app.js").says(http.StatusOK, "localise")
	if cc := old.header.Get("Cache-Control"); cc != "public, no-cache" {
		t.Errorf("an old page's file may be kept: %q", cc)
	}
	v.get("/static/000000000000/nothing.js").says(http.StatusNotFound)
	v.get("/static/000000000000/../door.go").says(http.StatusNotFound)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+href, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("If-None-Match", `"other"`)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatalf("not compressed: %v", err)
	}
	if plain, err := io.ReadAll(z); err != nil || string(plain) != a.body {
		t.Errorf("compressed and plain differ (%v)", err)
	}
	req.Header.Set("If-None-Match", res.Header.Get("ETag"))
	again, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Body.Close()
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("the same file again: %d", again.StatusCode)
	}
}

func TestRecipientsAreFilteredSearchedAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(230, 150)
	ada := w.author()
	id := w.sending()
	w.deliver(id, 20, sentOutcome)
	w.deliver(id, 3, failedOutcome)
	here := "/broadcasts/" + string(id) + "/recipients"

	a := ada.get(here).says(http.StatusOK, `>230</span>`, `Failed <span class="count" data-text="failed">3</span>`, "Next page", "Person000 Painted").lacks("First page")
	next := regexp.MustCompile(`href="([^"]+after=[^"]+)"`).FindStringSubmatch(a.body)
	ada.get(strings.ReplaceAll(next[1], "&amp;", "&")).says(http.StatusOK, "First page", "Person150 Painted").lacks("Person000 Painted")
	ada.get(here+"?state=failed").says(http.StatusOK, "Refused by Teams", "BadArgument", "Unknown &lt;thing&gt;").lacks("Next page")
	ada.get(here+"?state=skipped&reason=guest").says(http.StatusOK, "Guest account", "Person009 Painted").lacks("Person001 Painted")
	ada.get(here+"?q=person042").says(http.StatusOK, "person042@contoso.example").lacks("Person041")
	ada.get(here+"?q=zzz").says(http.StatusOK, "Nobody found", "Show everybody")
	ada.get("/broadcasts/"+string(id)).says(http.StatusOK, "Why not everybody", "Refused by Teams", "state=failed", "The list was fixed when it was sent: 230 people")
}

func TestTheAdminStartsAndPausesTheRollout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 0)
	cora, ada := w.admin(), w.author()
	ada.get("/").says(http.StatusOK, "Nobody has the Fanfare app in Teams yet", "See the rollout")
	ada.get("/rollout").says(http.StatusOK, "Not started", "Guest account").lacks("Start the rollout</a>", "ask-start")
	cora.get("/rollout?ask=start").says(http.StatusOK, "Install the app for 36 people?", `aria-labelledby="ask-start-title" open`)
	cora.post("/rollout/start", nil).says(http.StatusOK, "The rollout runs.", "Running", "by Cora Admin", "Person001 Painted", "To be installed")
	cora.post("/rollout/start", nil).says(http.StatusOK) // a second click changes nothing
	if err := w.st.BotAdded(t.Context(), entraID(1), address(1)); err != nil {
		t.Fatal(err)
	}
	cora.get("/rollout?state=installed").says(http.StatusOK, "1 of 36 people have the app.", "Person001 Painted").lacks("Person002 Painted")
	cora.get("/rollout?q=person03").says(http.StatusOK, "Person030 Painted").lacks("Person029")
	cora.get("/rollout?q=zzz").says(http.StatusOK, "Nobody here")
	cora.post("/rollout/pause", nil).says(http.StatusOK, "The rollout is paused.", "Paused", "Go on")
}

func TestAKeyIsShownOnceAndEndsWhenRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	ada.post("/keys", url.Values{"name": {" "}}).says(http.StatusUnprocessableEntity, "Give the key a name", `aria-invalid="true"`)
	a := ada.post("/keys", url.Values{"name": {"Intranet"}}).says(http.StatusCreated, "shown only this once", "Intranet")
	secret := regexp.MustCompile(`ff_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}`).FindString(a.body)
	a = ada.get("/keys").says(http.StatusOK, "Intranet", "Never").lacks(secret)
	if _, err := w.keys.Actor(t.Context(), "Bearer "+secret); err != nil {
		t.Fatalf("the key does not work: %v", err)
	}
	ada.get("/keys").lacks("Never")
	revoke := regexp.MustCompile(`/keys/[0-9a-f-]+/revoke`).FindString(a.body)
	w.approver().post(revoke, nil).says(http.StatusNotFound) // somebody else's is as good as none
	w.approver().get("/keys").lacks(revoke)
	w.admin().get("/keys").says(http.StatusOK, "Intranet", "Acts as", revoke)
	ada.post(revoke, nil).says(http.StatusOK, "The key is revoked")
	if _, err := w.keys.Actor(t.Context(), "Bearer "+secret); err == nil {
		t.Error("the key still works")
	}
}
