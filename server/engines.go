package server

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/engine"
	"github.com/fanfare/fanfare/engine/local"
	"github.com/fanfare/fanfare/engine/river"
)

const (
	sweepEvery = time.Second
	cleanEvery = time.Hour
)

// migrate brings the ledger, and on PostgreSQL the engine's own tables, to this
// version's schema.
func (s *Server) migrate(ctx context.Context) error {
	if err := s.store.Migrate(ctx); err != nil {
		return err
	}
	if s.store.Postgres() {
		return river.Migrate(ctx, s.store.Pool())
	}
	return nil
}

// newEngine is River on PostgreSQL, whose jobs are stored in the ledger's own
// transactions, and one process on SQLite, which is told after the commit.
func (s *Server) newEngine() (broadcast.Engine, error) {
	o := engine.Options{Log: s.log, Periodic: []broadcast.Periodic{
		{Work: broadcast.Work{Kind: broadcast.KindSweep}, Every: sweepEvery},
		{Work: broadcast.Work{Kind: broadcast.KindSync}, Every: s.config.SyncEvery},
		{Work: broadcast.Work{Kind: broadcast.KindClean}, Every: cleanEvery},
		{Work: broadcast.Work{Kind: broadcast.KindUpkeep}, Every: upkeepEvery},
	}}
	if s.store.Postgres() {
		eng, err := river.New(river.Options{Options: o, Pool: s.store.Pool()})
		if err != nil {
			return nil, err
		}
		s.store.HandOutInTx(eng.EnqueueTx)
		return eng, nil
	}
	eng, err := local.New(o)
	if err != nil {
		return nil, err
	}
	s.store.HandOutAfterCommit(func(ctx context.Context, works []broadcast.Work) {
		if err := eng.Enqueue(ctx, works...); err != nil {
			s.log.WarnContext(ctx, "work not handed out; the sweep will find it", "cause", err)
		}
	})
	return eng, nil
}
