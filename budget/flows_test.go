package budget

import (
	"errors"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// serve counts who gets n requests while workers of each flow wait again at once.
func serve(q *flows, n int) map[string]int {
	got := map[string]int{}
	for range n {
		w := q.next()
		got[w.flow.Key]++
		q.join(w.flow.Flow)
	}
	return got
}

func join(q *flows, key string, p broadcast.Priority, workers int) {
	for range workers {
		q.join(Flow{key, p})
	}
}

func TestFlowsShareByWeight(t *testing.T) {
	t.Parallel()
	var q flows
	join(&q, "urgent", broadcast.PriorityUrgent, 2)
	join(&q, "normal", broadcast.PriorityNormal, 40)
	join(&q, "bulk", broadcast.PriorityBulk, 40)
	join(&q, "other bulk", broadcast.PriorityBulk, 3)
	got := serve(&q, 2200)
	for key, want := range map[string]int{"urgent": 1600, "normal": 400, "bulk": 100, "other bulk": 100} {
		if got[key] < want-2 || got[key] > want+2 {
			t.Errorf("%s got %d, want %d", key, got[key], want)
		}
	}
}

func TestWhoWasAwaySavesNothingUpAndOwesNothing(t *testing.T) {
	t.Parallel()
	var q flows
	join(&q, "a", broadcast.PriorityBulk, 1)
	join(&q, "b", broadcast.PriorityBulk, 1)
	serve(&q, 2)
	away := q.next() // and its worker is busy for long
	if got := serve(&q, 1000); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	q.join(away.flow.Flow)
	got := serve(&q, 100)
	if got["a"] < 49 || got["b"] < 49 {
		t.Errorf("%v after one of them was away", got)
	}
	for q.waiting > 0 {
		q.next()
	}
	join(&q, "c", broadcast.PriorityUrgent, 1)
	if serve(&q, 40); len(q.all) > 1 {
		t.Errorf("%d flows are remembered though one waits", len(q.all))
	}
}

func TestWhoLeavesTheQueueIsNotServed(t *testing.T) {
	t.Parallel()
	var q flows
	a, b := q.join(Flow{Key: "a"}), q.join(Flow{Key: "a"})
	if !q.leave(a) || q.leave(a) || q.waiting != 1 {
		t.Fatal("left twice, or not at all")
	}
	if got := q.next(); got != b || q.leave(b) || q.waiting != 0 {
		t.Error("somebody who left was served")
	}
	if _, n := q.pressing(); n != 0 {
		t.Error("nobody waits, and somebody is pressing")
	}
	join(&q, "bulk", broadcast.PriorityBulk, 3)
	urgent := q.join(Flow{"urgent", broadcast.PriorityUrgent})
	if p, n := q.pressing(); p != broadcast.PriorityUrgent || n != 1 {
		t.Errorf("one who is urgent waits, not %d %s", n, p)
	}
	down := errors.New("down")
	q.tell(down)
	if err := <-urgent.told; !errors.Is(err, down) || q.waiting != 0 || q.next() != nil {
		t.Error("not everybody was told")
	}
}
