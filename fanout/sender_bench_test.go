package fanout_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/pace"
)

// nowhere is a Teams that answers at once.
type nowhere struct{ fanout.Messenger }

func (nowhere) Compose(*broadcast.Broadcast, string) (broadcast.Payload, error) {
	return broadcast.Payload{}, nil
}

func (nowhere) Send(context.Context, broadcast.ConversationReference, broadcast.Payload) (string, error) {
	return "1", nil
}

// stock is a ledger of chunks that costs nothing.
type stock struct {
	fanout.Ledger
	budget.Leases
	mu    sync.Mutex
	left  int
	chunk broadcast.Chunk
	b     broadcast.Broadcast
}

func (m *stock) Broadcast(context.Context, broadcast.ID) (*broadcast.Broadcast, error) {
	b := m.b
	return &b, nil
}

func (m *stock) Standing(context.Context, broadcast.ID) (broadcast.Standing, error) {
	return broadcast.Standing{}, nil
}

func (m *stock) TakeNext(context.Context, broadcast.ID, time.Duration, int) (broadcast.Chunk, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(m.left, len(m.chunk.Deliveries))
	m.left -= n
	c := m.chunk
	if c.Deliveries = c.Deliveries[:n]; n == 0 {
		c.Number = 0
	}
	return c, nil
}

func (m *stock) KeepChunk(context.Context, broadcast.Chunk, time.Duration) (bool, error) {
	return true, nil
}

func (m *stock) RecordOutcomes(context.Context, broadcast.Chunk, []broadcast.Outcome) error {
	return nil
}

func (m *stock) FinishChunk(context.Context, broadcast.Chunk, []broadcast.Outcome) error { return nil }

func (m *stock) ReadBudget(context.Context, string) (pace.Strain, error) {
	return pace.Strain{}, nil
}

// BenchmarkOverhead is what the fan-out itself costs per message, without network
// and database; aim: below 5 µs.
func BenchmarkOverhead(b *testing.B) {
	for _, workers := range []int{16, 64} {
		for _, seats := range []int{1, 4} {
			b.Run(fmt.Sprintf("workers=%d/seats=%d", workers, seats), func(b *testing.B) {
				m := &stock{b: broadcast.Broadcast{ID: "b", Kind: broadcast.KindAnnouncement, State: broadcast.Sending}}
				m.b.ApprovedHash = m.b.Hash()
				m.chunk = broadcast.Chunk{BroadcastID: "b", Number: 1, Fence: 1}
				for i := range fanout.ChunkSize {
					m.chunk.Deliveries = append(m.chunk.Deliveries, broadcast.Delivery{ID: int64(i + 1), Address: broadcast.ConversationReference{ConversationID: "a:1"}})
				}
				s := &fanout.Sender{
					Ledger: m, Messenger: nowhere{}, Chunks: m, Workers: workers, Now: time.Now, Log: slog.New(slog.DiscardHandler),
					Budget: running(b, budget.New(m, budget.Connector, 0)),
				}
				b.ReportAllocs()
				m.left = b.N
				b.ResetTimer()
				var hands sync.WaitGroup
				for range seats {
					hands.Go(func() {
						for err := broadcast.ErrMore; err != nil; err = s.Seat(context.Background(), "b") {
							if err != broadcast.ErrMore {
								b.Error(err)
								return
							}
						}
					})
				}
				hands.Wait()
			})
		}
	}
}
