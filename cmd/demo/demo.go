package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/fanfare/fanfare/server"
	"github.com/fanfare/fanfare/simulator"
)

// demo starts both worlds, tells how to reach them and stops them with ctx.
func demo(ctx context.Context, f flags, stdout, stderr io.Writer) (err error) {
	dir, forget, err := dataDir(f.data)
	if err != nil {
		return err
	}
	defer forget()
	painted, err := paint(ctx, f, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, painted.close()) }()

	listen, err := freeAddress(ctx, f.listen, "-listen", stdout)
	if err != nil {
		return err
	}
	web := "http://" + listen
	painted.sim.SetBotEndpoint(web + "/api/messages")
	config, err := server.ReadConfig(environment(f, dir, listen, painted))
	if err != nil {
		return err
	}
	product, err := server.New(ctx, config, server.Logger(config, stderr))
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- product.Run(running) }()

	err = greet(ctx, f, dir, greeting{product: product, web: web, painted: painted, out: stdout, ended: ended})
	if err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	return <-ended
}

// world is the simulated Microsoft and where it is reached.
type world struct {
	sim    *simulator.Simulator
	server *simulator.Server
	caFile string
	state  string // "" when nothing is kept
}

func paint(ctx context.Context, f flags, dir string) (*world, error) {
	o := simulator.DefaultOptions()
	o.People, o.ConnectorRate = f.people, f.rate
	if f.rate == 0 {
		o.GraphInstallRate = 0
	}
	o.Log = slog.New(slog.DiscardHandler)
	sim, err := simulator.New(o)
	if err != nil {
		return nil, err
	}
	w := &world{sim: sim, caFile: filepath.Join(dir, "simulator-ca.pem")}
	if f.data != "" {
		w.state = filepath.Join(dir, "simulator.json.gz")
		if err := sim.LoadState(w.state); err != nil {
			return nil, fmt.Errorf("the simulated tenant kept in %s cannot be read: %w", w.state, err)
		}
	}
	addr, err := freeAddress(ctx, f.simulatorListen, "-simulator-listen", io.Discard)
	if err != nil {
		return nil, err
	}
	if w.server, err = simulator.Listen(context.WithoutCancel(ctx), addr, sim); err != nil {
		return nil, err
	}
	return w, os.WriteFile(w.caFile, sim.CACertPEM(), 0o644)
}

// close stops the simulator after the product, and keeps what it knows.
func (w *world) close() error {
	err := errors.Join(w.server.Close(), w.sim.Close())
	if w.state != "" {
		err = errors.Join(err, w.sim.SaveState(w.state))
	}
	return err
}

// environment is the configuration of the production server: everything that
// makes this a demo stands here.
func environment(f flags, dir, listen string, w *world) func(string) string {
	sim, _ := url.Parse(w.server.URL())
	env := map[string]string{
		"FANFARE_DATABASE":               f.database,
		"FANFARE_LISTEN":                 listen,
		"FANFARE_PUBLIC_URL":             "http://" + listen,
		"FANFARE_TENANT_ID":              simulator.DefaultTenantID,
		"FANFARE_BOT_ID":                 simulator.DefaultBotID,
		"FANFARE_BOT_NAME":               "Contoso News",
		"FANFARE_BOT_SECRET":             simulator.DefaultClientSecret,
		"FANFARE_MANIFEST_ID":            simulator.DefaultManifestID,
		"FANFARE_SIGN_IN_CLIENT_ID":      simulator.DefaultSignInClientID,
		"FANFARE_SIGN_IN_SECRET":         simulator.DefaultSignInSecret,
		"FANFARE_AUTHORITY_URL":          sim.String(),
		"FANFARE_GRAPH_URL":              sim.JoinPath("v1.0").String(),
		"FANFARE_CONNECTOR_METADATA_URL": sim.JoinPath("v1/.well-known/openidconfiguration").String(),
		"FANFARE_CONNECTOR_URL":          sim.JoinPath("teams/").String(),
		"FANFARE_SERVICE_HOSTS":          sim.Host,
		"FANFARE_PLAIN_HTTP_HOSTS":       sim.Host,
		"FANFARE_CA_FILE":                w.caFile,
		"FANFARE_CONNECTOR_RATE":         strconv.FormatFloat(float64(f.rate)*0.9, 'f', -1, 64),
		"FANFARE_LOG_LEVEL":              f.logLevel,
		"FANFARE_LOG_FORMAT":             "text",
		"FANFARE_INSTALL_GRACE":          "3s",
	}
	if f.database == "" {
		env["FANFARE_DATABASE"] = "sqlite:" + filepath.Join(dir, "fanfare.db")
	}
	if f.rate == 0 {
		env["FANFARE_INSTALL_RATE"] = "0"
	}
	return func(name string) string { return env[name] }
}

// dataDir is where things are kept, and how to forget them at the end.
func dataDir(kept string) (string, func(), error) {
	if kept != "" {
		return kept, func() {}, os.MkdirAll(kept, 0o700)
	}
	dir, err := os.MkdirTemp("", "fanfare-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// freeAddress turns port 0 into a real port, and a taken usual port into a free
// one, saying so.
func freeAddress(ctx context.Context, addr, name string, out io.Writer) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(addr)
		fmt.Fprintf(out, "%s is in use, taking another port (choose one with %s).\n", addr, name)
		l, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// patience is how long the start may take before the demo gives up: a million
// people take a while to read.
const patience = 10 * time.Minute
