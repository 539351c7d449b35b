package river

import (
	"cmp"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
)

// maxAttempts bounds how often River itself hands one job out again after a rescue
// or a stop, so that work that kills its process does not go round for ever.
const maxAttempts = 5

// sweepBucket is how long a sweep that died in somebody's hands can hold up the
// others. As long as a sweep may take, so that buckets never pile up.
const sweepBucket = 10 * time.Second

// job is a broadcast.Work in River's table. Its JSON is its identity: a new field
// is a new identity for everything that waits.
type job struct {
	Work        broadcast.Kind     `json:"work"`
	BroadcastID broadcast.ID       `json:"broadcast,omitempty"`
	Seat        int                `json:"seat,omitempty"`
	Priority    broadcast.Priority `json:"priority,omitempty"`
}

// Kind is one for all: lanes are queues, not River's kinds.
func (job) Kind() string { return "fanfare" }

func jobOf(w broadcast.Work) job {
	return job{Work: w.Kind, BroadcastID: w.BroadcastID, Seat: w.Seat, Priority: w.Priority}
}

func (j job) work() broadcast.Work {
	return broadcast.Work{Kind: j.Work, BroadcastID: j.BroadcastID, Seat: j.Seat, Priority: j.Priority}
}

// options says where the job waits and what it must not double. Retryable, which is
// rescued and not yet back in the queue, is left out of the unique states: the
// sweep may be quicker, and River then drops its own copy.
func (j job) options() *river.InsertOpts {
	o := &river.InsertOpts{
		Queue:       engine.Lane(j.work()),
		Priority:    engine.Rank(j.work()), // River's 1 goes first
		MaxAttempts: maxAttempts,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
	if j.Work == broadcast.KindSweep {
		o.UniqueOpts.ByPeriod = sweepBucket
	}
	return o
}

// inserts sorts works and drops doubles: PostgreSQL refuses a statement that meets
// the same unique key twice, and two transactions that insert the same keys in
// different orders would wait for each other crosswise.
func inserts(works []broadcast.Work) ([]river.InsertManyParams, error) {
	if err := engine.Check(works); err != nil {
		return nil, err
	}
	works = slices.Compact(slices.SortedFunc(slices.Values(works), func(a, b broadcast.Work) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.BroadcastID, b.BroadcastID), cmp.Compare(a.Seat, b.Seat))
	}))
	params := make([]river.InsertManyParams, len(works))
	for i, w := range works {
		j := jobOf(w)
		params[i] = river.InsertManyParams{Args: j, InsertOpts: j.options()}
	}
	return params, nil
}

// periodic is inserted by whoever leads. RunOnStart: a new leader starts counting
// from nothing, and a daily clean must not wait for a leader that lasts a day.
func periodic(p broadcast.Periodic) *river.PeriodicJob {
	j := jobOf(p.Work)
	return river.NewPeriodicJob(river.PeriodicInterval(p.Every),
		func() (river.JobArgs, *river.InsertOpts) { return j, j.options() },
		&river.PeriodicJobOpts{RunOnStart: true})
}
