package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// step is one thing done in a browser tab.
type step = chromedp.Action[chromedp.Void]

// waitFor is how long a story waits for anything in a page before it is called broken.
const waitFor = 30 * time.Second

var chromium = sync.OnceValues(startChromium)

// stopChromium is set once the browser runs; TestMain calls it.
var stopChromium = func() {}

func chromiumPath() (string, error) {
	if path := os.Getenv("FANFARE_TEST_CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("the stories in a browser need a Chromium: install chromium, or name one in FANFARE_TEST_CHROMIUM")
}

// startChromium starts the one process all stories share, each person in a
// browser context of their own.
func startChromium() (context.Context, error) {
	path, err := chromiumPath()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "fanfare-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en-GB"),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	stopChromium = func() {
		stop()
		stopAllocator()
		_ = os.RemoveAll(profile)
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("the Chromium at %s does not start: %w", path, err)
	}
	return ctx, nil
}

// tab is one page somebody looks at.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
	forgiven []string
}

// stranger opens an address in a fresh browser without cookies, 1280×900. Whatever
// that browser complains of (a blocked inline style, an uncaught error, a missing
// file) fails the story, unless it was forgiven beforehand.
func stranger(t *testing.T, address string, before ...step) *tab {
	t.Helper()
	running, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	return newTab(t, running, address, before, chromedp.WithNewBrowserContext())
}

// beside opens another tab of the same browser: same cookies, same storage.
func (b *tab) beside(address string, before ...step) *tab {
	b.t.Helper()
	return newTab(b.t, b.ctx, address, before)
}

func newTab(t *testing.T, parent context.Context, address string, before []step, how ...chromedp.ContextOption) *tab {
	t.Helper()
	b := &tab{t: t}
	ctx, closeTab := chromedp.NewContext(parent, append(how, chromedp.WithListener(b.listen))...)
	b.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			b.shoot("end")
		}
		closeTab()
		for _, problem := range b.complaints() {
			t.Errorf("the browser complains: %s", problem)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which lives as long as this context
		t.Fatal(err)
	}
	b.do(call(log.Enable, cdp.Empty{}), call(page.Enable, page.EnableParams{}))
	b.do(chromedp.EmulateViewport(1280, 900))
	b.do(before...)
	b.goTo(address)
	return b
}

// call makes a step of a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func (b *tab) listen(event any) {
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
	case *page.EventJavascriptDialogOpening:
		b.complain("a dialog of the browser itself opened: " + e.Type.String() + " " + e.Message)
	}
}

func (b *tab) complain(problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.forgiven, func(part string) bool { return strings.Contains(problem, part) }) {
		b.problems = append(b.problems, problem)
	}
}

// forgive expects complaints that contain one of the parts: the story provokes them.
func (b *tab) forgive(parts ...string) *tab {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = append(b.forgiven, parts...)
	return b
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problems
}

func (b *tab) do(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitFor)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shoot("failed")
		b.t.Fatal(err)
	}
}

func (b *tab) goTo(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// until waits for a JavaScript expression to become true. It looks from outside,
// so that it outlives the page's navigations.
func (b *tab) until(expression string) {
	b.t.Helper()
	deadline := time.Now().Add(waitFor)
	for {
		yes, err := ask[bool](b, "!!("+expression+")")
		if err == nil && yes {
			return
		}
		if time.Now().After(deadline) {
			b.shoot("failed")
			text, _ := ask[string](b, `location.href + " " + document.body.innerText`)
			b.t.Fatalf("never true: %s (%v); the page says: %.900q", expression, err, strings.Join(strings.Fields(text), " "))
		}
		time.Sleep(25 * time.Millisecond)
	}
}

func ask[T any](b *tab, expression string, how ...chromedp.EvaluateOption) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, waitFor)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, how...))
}

// evaluate answers what a JavaScript expression is in the page.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := ask[T](b, expression)
	if err != nil {
		b.shoot("failed")
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// js writes a Go string as JavaScript.
func js(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// sees waits until the text can be read in something that matches the selector.
func (b *tab) sees(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("[...document.querySelectorAll(%s)].some((e) => e.checkVisibility() && e.innerText.includes(%s))", js(selector), js(text)))
}

// gone waits until nothing visible matches.
func (b *tab) gone(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf("![...document.querySelectorAll(%s)].some((e) => e.checkVisibility())", js(selector)))
}

// click presses the mouse in the middle of the element, brought away from under
// bars that stick to the edges of the window, as a person would scroll it. What
// lies under something else cannot be clicked.
func (b *tab) click(selector string) {
	b.t.Helper()
	at := b.place(selector)
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

func (b *tab) place(selector string) (at [2]float64) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		if (!e?.checkVisibility()) return false;
		const middle = () => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
		const free = () => { const there = document.elementFromPoint(...middle()); return there && (e.contains(there) || there.contains(e)); };
		e.scrollIntoView({block: "nearest", behavior: "instant"});
		if (!free()) e.scrollIntoView({block: "center", behavior: "instant"});
		// Twice at the same place: a page that still moves would be clicked beside.
		const was = String(window.testPlace);
		window.testPlace = middle();
		return free() && String(window.testPlace) === was;
	})()`, js(selector)))
	return evaluate[[2]float64](b, "window.testPlace")
}

// press clicks the visible button or link whose text begins so, as a mouse would.
func (b *tab) press(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll("button, a, summary, label")]
			.filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.closest(".hide") && e.innerText.trim().startsWith(%s) && !(document.querySelector("dialog:modal") && !e.closest("dialog:modal")));
		document.querySelectorAll("[data-test-press]").forEach((e) => e.removeAttribute("data-test-press"));
		found[0]?.setAttribute("data-test-press", "");
		return found.length > 0;
	})()`, js(text)))
	b.click("[data-test-press]")
}

// confirms presses a button of the dialog that has just been asked for.
func (b *tab) confirms(text string) {
	b.t.Helper()
	b.until(`document.querySelector("dialog:modal")`)
	b.press(text)
}

// types writes into the element, after what stands there.
func (b *tab) types(selector, text string) {
	b.t.Helper()
	b.writes(selector, text, "e.setSelectionRange?.(e.value.length, e.value.length)")
}

// replaces writes into the element instead of what stands there.
func (b *tab) replaces(selector, text string) {
	b.t.Helper()
	b.writes(selector, text, "e.select()")
}

func (b *tab) writes(selector, text, caret string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		if (!e?.checkVisibility() || e.disabled) return false;
		e.focus();
		if (e.type !== "url") %s; else e.select();
		return document.activeElement === e;
	})()`, js(selector), caret))
	b.do(call(input.InsertText, input.InsertTextParams{Text: text}))
}

// shoot keeps a picture for people to look at, when FANFARE_TEST_SCREENSHOTS names a folder.
func (b *tab) shoot(name string) {
	folder := os.Getenv("FANFARE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		file := strings.NewReplacer("/", "-", " ", "_").Replace(b.t.Name()) + "-" + name + ".png"
		err = os.WriteFile(filepath.Join(folder, file), picture, 0o600)
	}
	if err != nil {
		b.t.Logf("no screenshot: %v", err)
	}
}

// scheme makes the page see a device that prefers "dark" or "light".
func scheme(name string) step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// key presses one key as a keyboard does, without the line break that chromedp's
// own kb.Enter also types.
func key(name string, code int64) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		text := map[string]string{"Enter": "\r", " ": " "}[name]
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			p := input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code}
			if kind == input.DispatchKeyEventTypeKeyDown {
				p.Text = text
			}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// evaluated runs JavaScript in the page.
func evaluated(expression string) step { return chromedp.Evaluate[chromedp.Void](expression) }
