package graphinstall

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/workerpool"
)

// Queue is what the ledger remembers of who is to get the app.
type Queue interface {
	// TakeInstallations takes up to limit people under a new fence each until the
	// lease runs out: those wanted and due, and those installed whose chat is due to
	// be read (NeedsChat).
	TakeInstallations(ctx context.Context, limit int, lease time.Duration) ([]broadcast.Installation, error)
	// RecordInstallations stores outcomes whose fence is still the current one.
	RecordInstallations(ctx context.Context, outcomes []broadcast.InstallOutcome) error
}

// Options is what an Installer is made of.
type Options struct {
	Graph      *graph.Client
	Queue      Queue
	ManifestID string // of the app package; finds the app in the catalogue
	// ServiceURL is where a chat read through Graph is written to until an event
	// names a better one (protocol C.8).
	ServiceURL string
	// Consent lists the resource-specific permissions of the manifest, such as
	// ChatMessageReadReceipt.Read.Chat; empty for a manifest without any (protocol F.1).
	Consent []string
	// Open gets the chat through the Connector instead (protocol C.1): of somebody of
	// whom an activity or a roster told how Teams calls them, with anyhow of anybody.
	// nil for never.
	Open func(ctx context.Context, id broadcast.EntraID, anyhow bool) (broadcast.ConversationReference, error)
	// Limiter is the tenant-wide allowance of installs, asked once per person; nil for none.
	Limiter workerpool.Limiter
	// Pause makes everybody wait after a 429; nil if nobody else installs.
	Pause func(ctx context.Context, d time.Duration) error

	Workers     int           // default 32: 25 a second at a second each
	Lease       time.Duration // default 1 min: a few calls and the wait for the allowance
	EventGrace  time.Duration // how long an event may take before the chat is read; default 20 s
	MaxAttempts int           // failed tries before a person is refused; default 8
	Backoff     time.Duration // before a person's second try; doubles up to 10 min; default 5 s
	HaltFor     time.Duration // how long to rest after an answer that concerns everybody; default 1 min

	Now func() time.Time
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = 32
	}
	if o.Lease <= 0 {
		o.Lease = time.Minute
	}
	if o.EventGrace <= 0 {
		o.EventGrace = 20 * time.Second
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 8
	}
	if o.Backoff <= 0 {
		o.Backoff = 5 * time.Second
	}
	if o.HaltFor <= 0 {
		o.HaltFor = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Installer does the installing. One per process is enough; any number of
// replicas may work at once.
type Installer struct {
	Options
	catalog *Catalog

	mu          sync.Mutex
	haltedUntil time.Time
	pausedUntil time.Time
	throttles   int // 429s in a row, pauses counted once
	troubles    int // passing failures in a row, without a success
}

// New makes an Installer. It makes no call.
func New(o Options) (*Installer, error) {
	if o.Graph == nil || o.Queue == nil || o.ManifestID == "" || o.ServiceURL == "" {
		return nil, errors.New("graphinstall: Graph, Queue, ManifestID and ServiceURL must be set")
	}
	o = o.withDefaults()
	return &Installer{Options: o, catalog: NewCatalog(o.Graph, o.ManifestID, o.Now)}, nil
}

// Work installs whoever is wanted and due until nobody is left, atMost is over or
// ctx is done; what is in hand then is finished. It returns a *broadcast.Fault if
// an answer concerned everybody: then it rests for a while, and Work returns at
// once with nil until that is over.
func (i *Installer) Work(ctx context.Context, atMost time.Duration) error {
	if i.resting() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, atMost)
	defer stop()
	r := &run{Installer: i, stop: stop}
	pool := workerpool.Pool[broadcast.Installation, broadcast.InstallOutcome]{
		Claim: func(ctx context.Context, n int) ([]broadcast.Installation, bool, error) {
			jobs, err := i.Queue.TakeInstallations(ctx, n, i.Lease)
			return jobs, len(jobs) > 0, err
		},
		Do:       r.try,
		Record:   i.Queue.RecordInstallations,
		GiveBack: r.giveBack,
		Workers:  i.Workers, Limiter: i.Limiter, BatchSize: 100,
	}
	return errors.Join(pool.Run(ctx), r.why())
}

func (i *Installer) resting() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.Now().Before(i.haltedUntil)
}

// run is one Work under way.
type run struct {
	*Installer
	stop context.CancelFunc

	mu    sync.Mutex
	fault *broadcast.Fault // why it was halted
}

// halt ends the run for an answer that concerns everybody.
func (r *run) halt(f *broadcast.Fault) {
	until := r.Now().Add(r.HaltFor)
	r.Installer.mu.Lock()
	r.haltedUntil = until
	r.Installer.mu.Unlock()
	r.mu.Lock()
	if r.fault == nil {
		r.fault = f
		r.Log.Error("installing is halted", "fault", f, "until", until)
	}
	r.mu.Unlock()
	r.stop()
}

// why is the fault the run was halted for, or an untyped nil.
func (r *run) why() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		return nil
	}
	return r.fault
}

// giveBack is what becomes of people who were taken and never tried: wanted as
// before, at once or, after a halt, with everybody else.
func (r *run) giveBack(job broadcast.Installation) broadcast.InstallOutcome {
	var f *broadcast.Fault
	if errors.As(r.why(), &f) {
		return r.later(job, f, r.HaltFor)
	}
	out := r.outcome(job)
	out.Reason, out.Detail, out.NotBefore = job.Reason, job.Detail, r.Now()
	return out
}
