package bot

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/world"
)

// workers is how many activities are on their way to the bot at once.
const workers = 32

// Sender delivers activities to the bot. Start it with New, end it with Close.
type Sender struct {
	w         *world.World
	endpoints atomic.Pointer[[]string]
	turn      atomic.Uint64 // whose turn it is among the endpoints
	client    *http.Client
	tokens    tokens

	mu      sync.Mutex
	pending queue
	wake    chan struct{}
	work    chan delivery
	cancel  context.CancelFunc
	done    sync.WaitGroup
	open    atomic.Int64 // deliveries not yet finished
}

// delivery is one activity to be posted at a time.
type delivery struct {
	at       time.Time
	activity fields
	tries    int
	finished chan struct{} // closed when delivered or given up; may be nil
}

// New starts a sender that posts to the endpoints, of which there may be none at
// first.
func New(w *world.World, endpoints []string) *Sender {
	ctx, cancel := context.WithCancel(context.Background())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = workers
	s := &Sender{
		w: w, client: &http.Client{Transport: transport}, cancel: cancel,
		wake: make(chan struct{}, 1), work: make(chan delivery),
	}
	s.SetEndpoints(endpoints)
	s.done.Go(func() { s.schedule(ctx) })
	for range workers {
		s.done.Go(func() {
			for d := range s.work {
				s.deliver(ctx, d)
			}
		})
	}
	return s
}

// SetEndpoints says where activities are posted. Of several, as behind a load
// balancer, each takes its turn, and one that refuses the connection is passed
// over.
func (s *Sender) SetEndpoints(urls []string) {
	urls = slices.Clone(urls)
	s.endpoints.Store(&urls)
}

// Endpoints are where activities are posted.
func (s *Sender) Endpoints() []string { return slices.Clone(*s.endpoints.Load()) }

// Pending is the number of activities on their way.
func (s *Sender) Pending() int { return int(s.open.Load()) }

// Close stops everything that is on its way and waits for the goroutines.
func (s *Sender) Close() {
	s.cancel()
	s.done.Wait()
	s.client.CloseIdleConnections()
}

// later queues an activity for a time from now.
func (s *Sender) later(in time.Duration, activity fields) <-chan struct{} {
	d := delivery{at: time.Now().Add(in), activity: activity, finished: make(chan struct{})}
	s.open.Add(1)
	s.push(d)
	return d.finished
}

func (s *Sender) push(d delivery) {
	s.mu.Lock()
	heap.Push(&s.pending, d)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// schedule hands out each delivery when its time has come.
func (s *Sender) schedule(ctx context.Context) {
	defer close(s.work)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d, due, pause := s.next()
		if due {
			select {
			case s.work <- d:
				continue
			case <-ctx.Done():
				return
			}
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Sender) next() (d delivery, due bool, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return d, false, time.Hour
	}
	if pause = time.Until(s.pending[0].at); pause > 0 {
		return d, false, pause
	}
	return heap.Pop(&s.pending).(delivery), true, 0
}

// deliver posts an activity; a failure is tried again, first the very same,
// later with a new ID (protocol B.6).
func (s *Sender) deliver(ctx context.Context, d delivery) {
	snap := s.w.Dials.Now()
	status, _, err := s.post(ctx, d.activity)
	if err == nil && status/100 == 2 {
		s.w.Meter.EventsSent.Add(1)
		s.finish(d)
		return
	}
	s.w.Meter.EventsFailed.Add(1)
	s.w.Log.Debug("bot did not take an activity", "type", d.activity["type"], "status", status, "error", err)
	retried := err != nil || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	if d.tries++; !retried || d.tries >= snap.EventTries || ctx.Err() != nil {
		s.finish(d)
		return
	}
	if d.tries >= 2 {
		d.activity["id"] = eventID()
	}
	d.at = time.Now().Add(time.Duration(snap.EventRetryMS*d.tries) * time.Millisecond)
	s.push(d)
}

func (s *Sender) finish(d delivery) {
	s.open.Add(-1)
	close(d.finished)
}

// post sends one activity to the endpoint whose turn it is, or to the next that
// listens, and returns the answer.
func (s *Sender) post(ctx context.Context, activity fields) (status int, answer []byte, err error) {
	endpoints := *s.endpoints.Load()
	if len(endpoints) == 0 {
		return 0, nil, fmt.Errorf("no bot endpoint is set")
	}
	body, err := json.Marshal(activity)
	if err != nil {
		return 0, nil, err
	}
	token, err := s.token(activity)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.w.Dials.Now().EventTimeoutMS)*time.Millisecond)
	defer cancel()
	first := s.turn.Add(1)
	for i := range uint64(len(endpoints)) {
		status, answer, err = s.postTo(ctx, endpoints[(first+i)%uint64(len(endpoints))], token, body)
		var refused *net.OpError
		if !errors.As(err, &refused) || refused.Op != "dial" {
			break
		}
	}
	return status, answer, err
}

func (s *Sender) postTo(ctx context.Context, endpoint, token string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)")
	req.Header.Set("x-ms-tenant-id", s.w.Tenant.TenantID)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}

// queue is a heap of deliveries by time.
type queue []delivery

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(delivery)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	d := old[len(old)-1]
	old[len(old)-1] = delivery{}
	*q = old[:len(old)-1]
	return d
}
