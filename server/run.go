package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fanfare/fanfare/store"
)

// stopWithin is how long open requests may take when the server stops. Work in
// hand has limits of its own, below ten seconds in all.
const stopWithin = 8 * time.Second

// Run serves until ctx is done, then stops in order: no new requests and no new
// work, what is in hand is finished and recorded, the database is closed.
func (s *Server) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot listen on %s: %w", s.config.Listen, err), s.store.Close())
	}
	s.log.InfoContext(ctx, "serving", "listen", listener.Addr().String(), "public_url", s.config.PublicURL.String(), "version", Version)
	web := newHTTP(ctx, s.handler)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	all.Go(func() error {
		<-ctx.Done()
		close(s.stopping)
		return shutDown(context.WithoutCancel(ctx), web)
	})
	all.Go(func() error { return s.store.Run(ctx) })
	for _, b := range s.budgets.all() {
		all.Go(func() error { return b.Run(ctx) })
	}
	if !s.config.EngineOff {
		all.Go(func() error { return s.engine.Run(ctx, s.hands.Do) })
	}
	all.Go(func() error { return s.api.RunInbox(ctx) })
	err = all.Wait()
	s.log.Info("stopped")
	return errors.Join(err, s.store.Close())
}

// newHTTP waits for no client for ever: a byte now and then would hold connections
// by the thousand. net/http takes the limit of reading away at a body's end; live
// streams set a limit of writing of their own for each word.
func newHTTP(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		WriteTimeout: 2 * time.Minute, // the work included: counting a large group asks Microsoft page by page
		BaseContext:  func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

func shutDown(ctx context.Context, web *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		return web.Close() // whoever is still reading has had their time
	}
	return nil
}

func serve(ctx context.Context, c Config, at terminal) error {
	s, err := New(ctx, c, Logger(c, at.err))
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func migrate(ctx context.Context, c Config, at terminal) error {
	log := Logger(c, at.err)
	st, err := store.Open(ctx, store.Options{DSN: c.Database, TenantID: c.TenantID, Log: log})
	if err != nil {
		return err
	}
	s := &Server{config: c, log: log, store: st}
	return errors.Join(s.migrate(ctx), st.Close())
}
