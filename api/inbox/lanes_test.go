package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
)

// postbox is an inbox over a real store, with a handler of the test's.
type postbox struct {
	*Inbox
	store *store.Store
	mu    sync.Mutex
	ahead time.Duration
	log   strings.Builder
}

func newPostbox(t *testing.T, handle func(context.Context, broadcast.Inbound) error) *postbox {
	t.Helper()
	p := &postbox{}
	var err error
	p.store, err = store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "inbox.db"), TenantID: "t", Now: p.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	if err := p.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Inbox = New(Options{Store: p.store, Now: p.now, Log: slog.New(slog.NewTextHandler(p, nil))})
	p.handle = handle
	return p
}

func (p *postbox) now() time.Time { p.mu.Lock(); defer p.mu.Unlock(); return time.Now().Add(p.ahead) }

func (p *postbox) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *postbox) logged(piece string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.log.String(), piece)
}

func (p *postbox) advance(d time.Duration) { p.mu.Lock(); defer p.mu.Unlock(); p.ahead += d }

func (p *postbox) save(t *testing.T, conversation, activity string) {
	t.Helper()
	fresh, err := p.store.SaveActivity(t.Context(), broadcast.Inbound{ConversationID: conversation, ActivityID: activity, Body: []byte("{}"), ReceivedAt: p.now()})
	if err != nil || !fresh {
		t.Fatalf("fresh %v, error %v", fresh, err)
	}
}

// start runs the inbox; stop ends it and waits.
func (p *postbox) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		}
	}
}

func TestAConversationIsHandledInItsOrder(t *testing.T) {
	t.Parallel()
	const conversations, each = 12, 15
	var mu sync.Mutex
	got := map[string][]string{}
	handled := 0
	p := newPostbox(t, func(_ context.Context, in broadcast.Inbound) error {
		mu.Lock()
		defer mu.Unlock()
		got[in.ConversationID] = append(got[in.ConversationID], in.ActivityID)
		handled++
		return nil
	})
	for n := range each {
		for c := range conversations {
			p.save(t, fmt.Sprintf("a:%d", c), fmt.Sprintf("%03d", n))
		}
	}
	stop := p.start(t)
	until(t, "everything is handled", func() bool { mu.Lock(); defer mu.Unlock(); return handled >= conversations*each })
	stop()
	for c, ids := range got {
		if len(ids) != each || !slices.IsSorted(ids) {
			t.Errorf("%s: %v", c, ids)
		}
	}
	if left, err := p.store.TakeActivities(t.Context(), 1, time.Second); err != nil || len(left) != 0 {
		t.Errorf("left %v, error %v", left, err)
	}
}

func TestOneSlowConversationHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	release, slow, quick := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	p := newPostbox(t, func(_ context.Context, in broadcast.Inbound) error {
		if in.ConversationID == "a:slow" {
			close(slow)
			<-release
			return nil
		}
		quick <- struct{}{}
		return nil
	})
	p.save(t, "a:slow", "1")
	stop := p.start(t)
	<-slow
	other := 0
	for p.lane(fmt.Sprintf("a:%d", other)) == p.lane("a:slow") {
		other++
	}
	p.save(t, fmt.Sprintf("a:%d", other), "1")
	p.Poke()
	select {
	case <-quick:
	case <-time.After(15 * time.Second):
		t.Error("somebody else had to wait")
	}
	close(release)
	stop()
}

func TestStopFinishesWhatIsInHand(t *testing.T) {
	t.Parallel()
	begun, release := make(chan string, 100), make(chan struct{})
	p := newPostbox(t, func(ctx context.Context, in broadcast.Inbound) error {
		begun <- in.ActivityID
		<-release
		return ctx.Err() // stopping must not cancel what is in hand
	})
	for n := range 5 {
		p.save(t, "a:1", fmt.Sprint(n))
	}
	stop := p.start(t)
	if first := <-begun; first != "0" {
		t.Errorf("began with %s", first)
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	select {
	case <-stopped:
		t.Fatal("stopped with something in hand")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-stopped
	if n := len(begun); n != 0 {
		t.Errorf("%d more were begun after the stop", n)
	}
	p.advance(2 * inboxLease)
	left, err := p.store.TakeActivities(t.Context(), 10, time.Second)
	if err != nil || len(left) != 4 || left[0].ActivityID != "1" {
		t.Errorf("left %+v, error %v; want the four not begun", left, err)
	}
}

func TestADefectInOneActivityEndsNothing(t *testing.T) {
	t.Parallel()
	p := newPostbox(t, func(_ context.Context, in broadcast.Inbound) error {
		if in.ActivityID == "odd" {
			panic("an odd one")
		}
		return nil
	})
	p.save(t, "a:1", "odd")
	p.save(t, "a:2", "even")
	p.start(t)
	for n := 1; n < maxTries; n++ {
		until(t, "it fails again", func() bool { return p.logged("tried again") == n })
		p.advance(inboxLease + time.Second)
	}
	until(t, "it is given up", func() bool { return p.logged("given up") == 1 })
}
