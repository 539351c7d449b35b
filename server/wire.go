package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fanfare/fanfare/api"
	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/directory"
	"github.com/fanfare/fanfare/fanout"
	"github.com/fanfare/fanfare/gather"
	"github.com/fanfare/fanfare/graphinstall"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/scope"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/teams"
	"github.com/fanfare/fanfare/upkeep"
	"github.com/fanfare/fanfare/web"
	"github.com/fanfare/fanfare/welcome"
)

// Server is Fanfare put together.
type Server struct {
	config  Config
	log     *slog.Logger
	store   *store.Store
	service *broadcast.Service
	lists   *lists.Service
	scopes  *scope.Service
	rollout *rollout.Service
	welcome *welcome.Service
	keys    *auth.Keys
	api     *api.Door
	handler http.Handler
	engine  broadcast.Engine
	hands   *fanout.Hands
	budgets budgets

	stopping chan struct{} // closed when the server begins to stop
}

// Logger writes the log as the configuration says.
func Logger(c Config, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // checked by the settings table
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(out, o))
	}
	return slog.New(slog.NewJSONHandler(out, o))
}

// New opens and migrates the database and puts the rooms together. Nothing runs
// yet; if it fails, nothing stays open.
func New(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	st, err := store.Open(ctx, store.Options{DSN: c.Database, TenantID: c.TenantID, Log: log})
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: log, store: st, stopping: make(chan struct{})}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if err := s.furnish(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return s, nil
}

// world is everything outside that the rooms speak to.
type world struct {
	messenger *teams.Client
	verifier  *teams.Verifier
	directory *directory.Directory
	gatherer  *gather.Gatherer
	install   *graphinstall.Installer
	places    *places.Service
	rosters   *places.Reader
	upkeep    *upkeep.Service
	keeper    *upkeep.Keeper
	join      *join.Service
	joiner    *join.Worker
	wire      *teams.Wire
	links     broadcast.Links
	*outside
}

// furnish puts the rooms together. What ends up in the ledger is dated by the
// ledger's clock, which all replicas share.
func (s *Server) furnish() error {
	s.budgets = newBudgets(s.store, s.config)
	s.store.OnPause(s.budgets.hear)
	w, err := s.windows()
	if err != nil {
		return err
	}
	s.scopes = scope.NewService(scope.Config{Ledger: s.store, Vouchers: s.store, Census: s.store, Directory: w.gatherer, Now: s.store.Now, Log: s.log})
	s.service = broadcast.NewService(broadcast.Config{
		Guard: s.scopes, Ledger: s.store, Directory: w.gatherer, Messenger: s.budgets.speaker(w.messenger), Links: w.links, Now: s.store.Now, Log: s.log,
	})
	s.lists = lists.NewService(lists.Config{Ledger: s.store, Shelf: s.store, Directory: w.directory, Now: s.store.Now})
	s.rollout = rollout.NewService(rollout.Config{Ledger: s.store, Rings: s.store, Counting: s.store, Samples: s.store, Directory: w.gatherer, Now: s.store.Now, Log: s.log})
	s.welcome = welcome.NewService(welcome.Config{Broadcasts: s.service, App: s.config.App.Name, Publisher: s.config.App.Publisher, RolledOutBy: s.rollout.RolledOutBy})
	if err := s.employ(w); err != nil {
		return err
	}
	return s.doors(w)
}

// windows opens the ways to Entra, Graph and Teams. Nothing is called yet: the
// server must start when Microsoft does not answer.
func (s *Server) windows() (*world, error) {
	c := s.config
	out, err := c.outside()
	if err != nil {
		return nil, err
	}
	w := &world{outside: out, links: broadcast.Links{PlainHTTP: c.PlainHTTP}}
	w.wire = teams.NewWire(teams.WireOptions{Roots: w.roots, Conns: c.Workers * 8})
	if err := s.teamsWindow(w); err != nil {
		return nil, err
	}
	w.places, w.rosters = s.placesRoom(w.messenger)
	return w, s.graphWindow(w)
}

func (s *Server) teamsWindow(w *world) error {
	c := s.config
	composer, err := teams.NewComposer(teams.ComposerOptions{BotID: c.BotID, BotName: c.BotName, Links: w.links, Limit: c.CardLimit})
	if err != nil {
		return err
	}
	w.messenger, err = teams.NewClient(teams.Options{
		HTTP: w.client, Wire: w.wire, Token: teams.CredentialToken(w.bot, c.TokenScope, time.Now), BotID: c.BotID, BotName: c.BotName,
		TenantID: c.TenantID, Hosts: w.hosts, FallbackServiceURL: c.FallbackURL.String(), Composer: composer, Now: time.Now, Log: s.log,
	})
	if err != nil {
		return err
	}
	w.verifier, err = teams.NewVerifier(teams.VerifierOptions{
		MetadataURL: c.MetadataURL.String(), Issuer: c.TokenIssuer, BotID: c.BotID, TenantID: c.TenantID,
		Hosts: w.hosts, HTTP: w.client, Now: time.Now, Log: s.log,
	})
	return err
}

func (s *Server) graphWindow(w *world) error {
	c := s.config
	client, err := w.graph()
	if err != nil {
		return err
	}
	w.directory = directory.New(directory.Options{Graph: client, People: s.store, Plans: c.TeamsPlans, Now: time.Now, Log: s.log})
	w.gatherer = &gather.Gatherer{Reader: w.directory, Teams: w.places, Sets: s.store, Names: s.store, Now: s.store.Now}
	w.upkeep, w.keeper = s.upkeepRoom(client)
	w.join, w.joiner = s.joinRoom(client, w.directory)
	budget := s.budgets.install
	w.install, err = graphinstall.New(graphinstall.Options{
		Graph: client, Queue: s.store, ManifestID: c.ManifestID, ServiceURL: c.FallbackURL.String(), Consent: c.consent(),
		Limiter: budget, Pause: budget.Pause, Open: w.places.Open, EventGrace: c.InstallGrace, Now: s.store.Now, Log: s.log,
	})
	return err
}

// installSpan is how long one piece of install work goes on at most: below the
// engine's limit for it, long enough to be worth taking.
const installSpan = 15 * time.Second

// installFor ends each at a moment of its own in the second half of it: if both seats
// changed hands at once, nobody would install meanwhile.
func installFor() time.Duration { return installSpan/2 + rand.N(installSpan/2) }

// employ gives the engine its hands.
func (s *Server) employ(w *world) error {
	eng, err := s.newEngine()
	if err != nil {
		return err
	}
	s.engine = eng
	s.hands = &fanout.Hands{
		Resolver: &fanout.Resolver{Service: s.service, Ledger: s.store, Directory: w.gatherer, Roll: s.store, Guard: s.scopes, Now: s.store.Now, Log: s.log},
		Sender: &fanout.Sender{
			Service: s.service, Ledger: s.store, Messenger: w.messenger, Chunks: s.store, Marks: s.store, Workers: s.config.Workers,
			Budget: s.budgets.connector, Now: s.store.Now, Log: s.log,
		},
		Sweeper: &fanout.Sweeper{
			Service: s.service, Ledger: s.store, Leftovers: s.store, Marks: s.store, Directory: w.gatherer, Engine: eng, Guard: s.scopes, Count: s.listenAndCount, Welcome: welcome.Greeter{Ledger: s.store, Now: s.store.Now}.Work, Rollout: s.rollout.Tick, Now: s.store.Now, Log: s.log,
		},
		Install: w.installOn,
		Rosters: func(ctx context.Context) error { return w.rosters.Work(ctx, rosterSpan) },
		Upkeep:  func(ctx context.Context) error { return w.keeper.Work(ctx, upkeepSpan) },
		Sync:    w.directory.Sync,
		Refresh: s.rollout.Refresh,
	}
	return nil
}

// doors makes the two ways in and puts them behind one handler.
func (s *Server) doors(w *world) error {
	c := s.config
	people, err := auth.NewWeb(auth.WebOptions{
		Authority: c.AuthorityURL.String(), TenantID: c.TenantID, ClientID: c.SignInClientID, ClientSecret: c.SignInSecret,
		PublicURL: c.PublicURL.String(), HTTP: w.client, Sessions: s.store.Sessions(), Now: time.Now, Log: s.log,
	})
	if err != nil {
		return err
	}
	lookUp := who.NewService(s.store, c.StaleAfter, time.Now)
	desk := w.desk(records{s.store})
	s.keys = auth.NewKeys(s.store, time.Now, s.log)
	s.api = api.New(api.Options{
		Service: s.service, Places: w.places, People: lookUp, Lists: s.lists, Scopes: s.scopes, Fatigue: c.Fatigue, Upkeep: w.upkeep, Joins: w.join, Welcome: s.welcome, Rollout: s.rollout, Keys: s.keys, Verifier: w.verifier, Inbox: s.store, Zones: s.store, Ready: s.ready, Setup: desk, Version: Version, Log: s.log, Now: time.Now,
	})
	pages, err := web.New(web.Options{
		Service: s.service, People: lookUp, Lists: s.lists, Scopes: s.scopes, Fatigue: c.Fatigue, Upkeep: w.upkeep, Joins: w.join, Welcome: s.welcome, Rollout: s.rollout, Auth: people, Keys: s.keys, Links: w.links, SizeLimit: c.CardLimit, BotName: c.BotName,
		PublicURL: c.PublicURL.String(), Setup: desk, App: teamsApp{c.teamsApp()}, Version: Version, Log: s.log, Now: time.Now, Stopping: s.stopping,
	})
	if err != nil {
		return err
	}
	s.handler = routes(s.api, pages, people)
	return nil
}

// ready tells whether this process can work.
func (s *Server) ready(ctx context.Context) error {
	if err := s.store.Ping(ctx); errors.Is(err, store.ErrFull) {
		return &broadcast.Error{Code: api.DiskFull, Message: "The database is full. Give it more space: nothing is lost, and everything goes on by itself."}
	} else if err != nil {
		return err
	}
	return s.store.Migrated(ctx)
}

// Settled tells whether the server can work and has read the directory to its end.
func (s *Server) Settled(ctx context.Context) (bool, error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	at, err := s.store.DirectoryAt(ctx)
	return err == nil && !at.IsZero(), err
}

// NewKey makes an API key for somebody, as the page for it does; for whoever
// sets an installation up.
func (s *Server) NewKey(ctx context.Context, owner broadcast.Actor, name string) (string, error) {
	secret, _, err := s.keys.Create(ctx, owner, name)
	if err != nil {
		return "", fmt.Errorf("no API key for %s: %w", owner.Name, err)
	}
	return secret, nil
}

// KeyWorks tells whether an API key lets its holder in.
func (s *Server) KeyWorks(ctx context.Context, secret string) bool {
	_, err := s.keys.Actor(ctx, "Bearer "+secret)
	return err == nil
}
