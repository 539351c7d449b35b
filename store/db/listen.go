package db

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	listenProbe = 30 * time.Second // a connection that is silent for so long is asked for a sign of life,
	probeWithin = 5 * time.Second  // within this
	minBackOff  = 100 * time.Millisecond
	maxBackOff  = 10 * time.Second
)

// Run keeps the clock and hears what replicas tell each other on a channel, until
// ctx is done. What is said while the connection is down is lost: nothing may
// depend on hearing it.
func (d *DB) Run(ctx context.Context, channel string, hear func(payload string)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if d.ownClock {
			d.runClock(ctx)
		}
	}()
	if d.Postgres() {
		d.listen(ctx, channel, hear)
	}
	<-done
	<-ctx.Done()
}

// listen hears until ctx is done, on a connection of its own: one of the pool's
// would be missing there.
func (d *DB) listen(ctx context.Context, channel string, hear func(payload string)) {
	wait := minBackOff
	for ctx.Err() == nil {
		began := time.Now()
		err := d.listenOnce(ctx, channel, hear)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxBackOff {
			wait = minBackOff
		}
		d.log.WarnContext(ctx, "not hearing the other replicas, connecting again", "cause", err, "in", wait)
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		wait = min(2*wait, maxBackOff)
	}
}

func (d *DB) listenOnce(ctx context.Context, channel string, hear func(payload string)) error {
	conn, err := pgx.ConnectConfig(ctx, d.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(last)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for {
		wait, cancel := context.WithTimeout(ctx, listenProbe)
		said, err := conn.WaitForNotification(wait)
		cancel()
		switch {
		case err == nil:
			hear(said.Payload)
		case ctx.Err() == nil && pgconn.Timeout(err):
			probe, cancel := context.WithTimeout(ctx, probeWithin)
			err = conn.Ping(probe)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}
