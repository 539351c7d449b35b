package window_test

import (
	"context"
	"errors"
	"fmt"
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
	return "", errors.New("the window's stories need a Chromium: install chromium, or name one in FANFARE_TEST_CHROMIUM")
}

// startBrowser starts the one Chromium all stories share, each in its own tab.
func startBrowser() (context.Context, error) {
	path, err := chromiumPath()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "window-chromium-")
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

// tab is one open window of Teams in a story.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// open shows the address in a new tab of 1280×800. Anything the browser complains of (a blocked inline
// style, an uncaught error, a missing file) fails the story, unless it is expected with tolerate.
func open(t *testing.T, address string, before ...step) *tab {
	t.Helper()
	running, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	w := &tab{t: t}
	ctx, closeTab := chromedp.NewContext(running, chromedp.WithListener(w.listen))
	w.ctx = ctx
	t.Cleanup(func() {
		w.shoot("end")
		closeTab()
		for _, problem := range w.complaints() {
			t.Errorf("the browser complains: %s", problem)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which lives as long as this context
		t.Fatal(err)
	}
	w.do(call(log.Enable, cdp.Empty{}))
	w.do(chromedp.EmulateViewport(1280, 800))
	w.do(before...)
	w.do(chromedp.Navigate(address))
	return w
}

// call makes a step of a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (w *tab) listen(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			w.complain(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		problem := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += " " + e.ExceptionDetails.Exception.Description
		}
		w.complain(problem)
	}
}

func (w *tab) complain(problem string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, problem)
}

func (w *tab) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problems
}

// tolerate forgets what the browser complained of so far: the story broke it on purpose.
func (w *tab) tolerate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = nil
}

func (w *tab) do(steps ...step) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, waitFor)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.shoot("failed")
		w.t.Fatal(err)
	}
}

// until waits for a JavaScript expression to become true.
func (w *tab) until(expression string) {
	w.t.Helper()
	_, err := chromedp.Run(w.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(waitFor)))
	if err != nil {
		w.shoot("failed")
		text, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		w.t.Fatalf("never true: %s (%v); the page says: %.600q", expression, err, strings.Join(strings.Fields(text), " "))
	}
}

// sees waits until the text can be read inside the first element of the selector.
func (w *tab) sees(selector, text string) {
	w.t.Helper()
	w.until(fmt.Sprintf("((e) => e?.checkVisibility() && e.innerText.includes(%q))(document.querySelector(%q))", text, selector))
}

// gone waits until nothing visible matches.
func (w *tab) gone(selector string) {
	w.t.Helper()
	w.until(fmt.Sprintf("![...document.querySelectorAll(%q)].some((e) => e.checkVisibility())", selector))
}

// click clicks once the element stands still: while a card is drawn, what is below
// it moves, and a click would land beside.
func (w *tab) click(selector string) {
	w.t.Helper()
	w.until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e?.checkVisibility()) return false;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const {x, y} = e.getBoundingClientRect(), was = window.testPlace;
		window.testPlace = x + " " + y;
		return window.testPlace === was;
	})()`, selector))
	w.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// evaluate answers what a JavaScript expression is in the page.
func evaluate[T any](w *tab, expression string) T {
	w.t.Helper()
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.t.Fatal(err)
	}
	return value
}

// types writes into the element as a keyboard would.
func (w *tab) types(selector, text string) {
	w.t.Helper()
	w.do(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// shoot keeps a picture for people to look at, when FANFARE_TEST_SCREENSHOTS names a folder.
func (w *tab) shoot(name string) {
	folder := os.Getenv("FANFARE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Logf("no screenshot: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(folder, strings.NewReplacer("/", "-", " ", "_").Replace(w.t.Name())+"-"+name+".png"), picture, 0o600); err != nil {
		w.t.Logf("no screenshot: %v", err)
	}
}

// enter presses Enter as a keyboard does: chromedp's own kb.Enter also types a line break, even when the
// page has prevented it.
func enter() step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, input.DispatchKeyEventParams{
				Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13,
			})
			if err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	}
}

// scheme makes the page see a device that prefers "dark" or "light".
func scheme(name string) step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}
