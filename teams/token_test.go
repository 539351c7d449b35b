package teams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// entra is a credential with a cache of its own, as azidentity's: it gives the same
// token until a claims challenge asks for another.
type entra struct {
	*clock
	mu    sync.Mutex
	life  time.Duration
	calls int
	token int
	err   error
	gate  chan struct{} // if set, each call waits for it
}

func (e *entra) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if e.gate != nil {
		select {
		case <-e.gate:
		case <-ctx.Done():
			return azcore.AccessToken{}, ctx.Err()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	if e.err != nil {
		return azcore.AccessToken{}, e.err
	}
	if o.Claims != "" {
		e.token++
	}
	return azcore.AccessToken{Token: fmt.Sprintf("token-%d", e.token), ExpiresOn: e.Now().Add(e.life)}, nil
}

func (e *entra) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

func TestATokenIsKeptUntilFiveMinutesBeforeItsEnd(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: time.Hour}
	s := CredentialToken(e, DefaultScope, e.Now)
	for _, step := range []struct {
		forward time.Duration
		calls   int
	}{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}} {
		e.forward(step.forward)
		if _, err := s.Token(t.Context()); err != nil || e.asked() != step.calls {
			t.Fatalf("after %v: %d fetches, want %d (%v)", step.forward, e.asked(), step.calls, err)
		}
	}
}

func TestAShortTokenIsKeptForHalfItsLife(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: 10 * time.Second}
	s := CredentialToken(e, DefaultScope, e.Now)
	for range 9 {
		if _, err := s.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.forward(time.Second)
	}
	if e.asked() != 2 {
		t.Errorf("%d fetches in nine seconds, want 2", e.asked())
	}
}

func TestManyWorkersCauseOneFetch(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: time.Hour, gate: make(chan struct{})}
	s := CredentialToken(e, DefaultScope, e.Now)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := s.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(e.gate)
	all.Wait()
	if e.asked() != 1 {
		t.Errorf("%d fetches, want one", e.asked())
	}
}

func TestARefusedTokenIsReplacedOnceForAllWorkers(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: time.Hour}
	s := CredentialToken(e, DefaultScope, e.Now)
	first, _ := s.Token(t.Context())
	for range 20 { // twenty workers were refused the same token
		s.Drop(first)
		if got, err := s.Token(t.Context()); err != nil || got == first {
			t.Fatalf("got %q again (%v)", got, err)
		}
	}
	if e.asked() != 3 { // the first, the cached one, the challenge
		t.Errorf("%d fetches, want 3", e.asked())
	}
}

func TestALivingTokenIsUsedOnWhileRenewingFails(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: time.Hour}
	s := CredentialToken(e, DefaultScope, e.Now)
	first, _ := s.Token(t.Context())
	e.err = errors.New("entra is down")
	e.forward(57 * time.Minute)
	if got, err := s.Token(t.Context()); got != first {
		t.Errorf("got %q (%v)", got, err)
	}
	e.forward(4 * time.Minute)
	if _, err := s.Token(t.Context()); err == nil {
		t.Error("a dead token was given out")
	}
}

func TestWaitingForATokenEndsWithTheContext(t *testing.T) {
	t.Parallel()
	e := &entra{clock: newClock(), life: time.Hour, gate: make(chan struct{})}
	s := CredentialToken(e, DefaultScope, e.Now)
	ctx, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() { _, _ = s.Token(t.Context()) })
	cancel()
	if _, err := s.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(e.gate)
	first.Wait()
}
