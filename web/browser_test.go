package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// step is one thing done in a browser tab.
type step = chromedp.Action[chromedp.Void]

// waitFor is how long a story waits for anything before it is called broken.
const waitFor = 20 * time.Second

var browser = sync.OnceValues(startBrowser)

// stopBrowser is set once the browser runs.
var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

func chromiumPath() (string, error) {
	if path := os.Getenv("FANFARE_TEST_CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("the pages' stories need a Chromium: install chromium, or name one in FANFARE_TEST_CHROMIUM")
}

// startBrowser starts the one Chromium all stories share, each with cookies of its own.
func startBrowser() (context.Context, error) {
	path, err := chromiumPath()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "web-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	stopBrowser = func() {
		stop()
		stopAllocator()
		_ = os.RemoveAll(profile)
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("the Chromium at %s does not start: %w", path, err)
	}
	return ctx, nil
}

// window is a person's open page in a story.
type window struct {
	t   *testing.T
	w   *world
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// open shows a page to a visitor who is signed in, in a new tab of 1280×800 with
// cookies of its own. Anything the browser complains of (a blocked inline style,
// an uncaught error, a missing file) fails the story, unless tolerated.
func (v *visitor) open(path string, before ...step) *window {
	v.w.t.Helper()
	running, err := browser()
	if err != nil {
		v.w.t.Fatal(err)
	}
	b := newWindow(v.w, running, chromedp.WithNewBrowserContext())
	home, _ := url.Parse(v.w.url)
	for _, c := range v.Jar.Cookies(home) {
		b.do(call(network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: v.w.url}))
	}
	b.do(before...)
	b.do(chromedp.Navigate(v.w.url + path))
	return b
}

func newWindow(w *world, parent context.Context, options ...chromedp.ContextOption) *window {
	w.t.Helper()
	b := &window{t: w.t, w: w}
	ctx, closeTab := chromedp.NewContext(parent, append(options, chromedp.WithListener(b.listen))...)
	b.ctx = ctx
	w.t.Cleanup(func() {
		b.shoot("end")
		closeTab()
		for _, problem := range b.complaints() {
			b.t.Errorf("the browser complains: %s", problem)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which lives as long as this context
		w.t.Fatal(err)
	}
	b.do(call(log.Enable, cdp.Empty{}), size(1280, 800))
	return b
}

// call makes a step of a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (b *window) listen(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.complain(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		problem := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
		b.complain(problem)
	}
}

func (b *window) complain(problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

func (b *window) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problems
}

// tolerate forgets complaints about answers of a status the story provoked.
func (b *window) tolerate(status string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var kept []string
	for _, p := range b.problems {
		if !strings.Contains(p, status) {
			kept = append(kept, p)
		}
	}
	b.problems = kept
}

func (b *window) do(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitFor)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shoot("failed")
		b.t.Fatal(err)
	}
}

// until waits for a JavaScript expression to become true. It asks from outside, so
// that it works across navigations and in pages without script.
func (b *window) until(expression string) {
	b.t.Helper()
	ask := chromedp.Evaluate[bool]("!!(" + expression + ")")
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(waitFor)
	for {
		is, err := chromedp.Run(b.ctx, ask)
		if is && err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.shoot("failed")
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			b.t.Fatalf("never true: %s (%v); the browser complains %q; the page says: %.1200q", expression, err, b.complaints(), strings.Join(strings.Fields(text), " "))
		}
		<-tick.C
	}
}

// sees waits until the text can be read inside the first element of the selector.
func (b *window) sees(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("((e) => e?.checkVisibility() && e.innerText.includes(%q))(document.querySelector(%q))", text, selector))
}

// click clicks in the middle of the window, where nothing sticky takes the click,
// once the element stands still: beside one that moves it would be lost.
func (b *window) click(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e?.checkVisibility()) return false;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const {x, y} = e.getBoundingClientRect(), was = window.testPlace;
		window.testPlace = x + " " + y;
		return window.testPlace === was;
	})()`, selector))
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// types writes into the element as a keyboard would.
func (b *window) types(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// value is what a JavaScript expression is in the page.
func value[T any](b *window, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// key presses a key, with modifiers (Ctrl is 2, Shift is 8).
func key(name string, modifiers int64) step {
	codes := map[string]int64{"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "b": 66, "k": 75}
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			p := input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, Modifiers: modifiers, WindowsVirtualKeyCode: codes[name], NativeVirtualKeyCode: codes[name]}
			if kind == input.DispatchKeyEventTypeRawKeyDown && name == "Enter" {
				p.Type, p.Text = input.DispatchKeyEventTypeKeyDown, "\r"
			}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func size(width, height int64) step { return chromedp.EmulateViewport(width, height) }

// scheme makes the page see a device that prefers "dark" or "light".
func scheme(name string) step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// noScript switches scripts off.
func noScript() step {
	return call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// shoot keeps a picture for people to look at, when FANFARE_TEST_SCREENSHOTS names a folder.
func (b *window) shoot(name string) {
	folder := os.Getenv("FANFARE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("no screenshot: %v", err)
		return
	}
	file := strings.NewReplacer("/", "-", " ", "_").Replace(b.t.Name()) + "-" + name + ".png"
	if err := os.WriteFile(filepath.Join(folder, file), picture, 0o600); err != nil {
		b.t.Logf("no screenshot: %v", err)
	}
}

func navigate(address string) step { return chromedp.Navigate(address) }

func focus(selector string) step { return chromedp.Focus(chromedp.CSS(selector)) }

// evaluate runs a JavaScript statement in the page.
func evaluate(statement string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[any](statement+"; null")(ctx, target)
		return chromedp.Void{}, err
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }
