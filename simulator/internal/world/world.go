package world

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/keys"
	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// Clients are the applications that Entra knows.
type Clients struct {
	BotID, BotSecret       string
	SignInID, SignInSecret string
}

// World is shared by all doors of the simulator.
type World struct {
	Tenant  *tenant.Tenant
	Dials   *dials.Store
	Meter   *meter.Meter
	Entra   *keys.Ring // signs access and ID tokens
	Bot     *keys.Ring // signs the Connector's calls to the bot
	Clients Clients
	Seed    uint64
	Clock   func() time.Time
	Log     *slog.Logger
	// Closing ends everything that waits.
	Closing <-chan struct{}

	publicURL atomic.Pointer[string]
	random    atomic.Uint64
	events    atomic.Uint64
	tokens    tokenCache
}

// Now is the simulator's time: the clock, moved by its dial.
func (w *World) Now() time.Time {
	return w.Clock().Add(time.Duration(w.Dials.Now().ClockOffsetMS) * time.Millisecond)
}

// SetPublicURL says where the simulator is reached, without trailing slash.
func (w *World) SetPublicURL(url string) {
	url = strings.TrimRight(url, "/")
	w.publicURL.Store(&url)
}

// HasPublicURL tells whether the address is known.
func (w *World) HasPublicURL() bool {
	url := w.publicURL.Load()
	return url != nil && *url != ""
}

// PublicURL is where the simulator is reached over https; before it was told,
// it is taken from the request.
func (w *World) PublicURL(r *http.Request) string {
	if w.HasPublicURL() {
		return *w.publicURL.Load()
	}
	if r == nil {
		return "https://localhost"
	}
	return "https://" + r.Host
}

// PlainURL is the same address over plain http, for people's browsers.
func (w *World) PlainURL(r *http.Request) string {
	return "http" + strings.TrimPrefix(w.PublicURL(r), "https")
}

// Region is the region of the next event: the dial's, or one after the other of
// several (K row 32).
func (w *World) Region() string {
	list := w.Dials.Now().ServiceRegion
	if !strings.Contains(list, ",") {
		return list
	}
	regions := strings.Split(list, ",")
	return strings.TrimSpace(regions[w.events.Add(1)%uint64(len(regions))])
}

// ServiceURL is the Connector's address in events, with the tenant segment.
func (w *World) ServiceURL(region string) string {
	return w.PublicURL(nil) + "/" + region + "/" + w.Tenant.TenantID + "/"
}

// Chance answers true in about perMille of 1000 calls, in an order that depends
// only on the seed and the number of calls so far.
func (w *World) Chance(perMille float64) bool {
	return perMille > 0 && dials.Chance(w.Seed, w.random.Add(1), perMille)
}

// Up returns an evenly spread duration below limit.
func (w *World) Up(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return time.Duration(dials.Mix(w.Seed^0xabcdef, w.random.Add(1)) % uint64(limit))
}

// tokenCache remembers verified tokens: a fan-out sends the same one thousands
// of times, and an RSA check costs more than everything else in a request.
type tokenCache struct {
	mu     sync.RWMutex
	kid    string
	claims map[string]Token
}
