// Command simulator serves the painted Microsoft on a loopback port: Entra ID,
// Graph, the Bot Connector, and a recipient's Teams window.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/fanfare/fanfare/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type flags struct {
	listen, caFile, state string
	verbose               bool
	options               simulator.Options
}

func parse(args []string, out io.Writer) (flags, error) {
	f := flags{options: simulator.DefaultOptions()}
	o := &f.options
	set := flag.NewFlagSet("simulator", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.listen, "listen", "127.0.0.1:8443", "`address` to listen on; https and http on the same port")
	set.StringVar(&f.caFile, "ca-file", "simulator-ca.pem", "`file` to write the CA certificate to; empty writes none")
	set.StringVar(&f.state, "state", "", "`file` that keeps installations and chats from one start to the next")
	set.BoolVar(&f.verbose, "v", false, "log more")
	set.IntVar(&o.People, "people", o.People, "people in the organisation")
	set.Int64Var(&o.Seed, "seed", o.Seed, "decides who is unlucky")
	set.IntVar(&o.ConnectorRate, "rate", o.ConnectorRate, "Connector requests per second; 0 is unlimited")
	set.IntVar(&o.GraphInstallRate, "install-rate", o.GraphInstallRate, "Graph installations per second; 0 is unlimited")
	set.DurationVar(&o.EventDelay, "event-delay", o.EventDelay, "upper bound of the delay of install events")
	set.StringVar(&o.BotEndpoint, "bot", "http://127.0.0.1:8080/api/messages", "`URL` of the bot's messaging endpoint; several, separated by commas, take turns")
	set.StringVar(&o.PublicURL, "public-url", "", "https `URL` it is reached at, if not the listening address")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q; see -h", set.Arg(0))
	}
	return f, nil
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	f, err := parse(args, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintln(errOut, "simulator:", err)
		return 2
	}
	if err := serve(ctx, f, out, errOut); err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, f flags, out, errOut io.Writer) error {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	f.options.Log = slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))
	sim, err := simulator.New(f.options)
	if err != nil {
		return err
	}
	defer func() { _ = sim.Close() }()
	if f.state != "" {
		if err := sim.LoadState(f.state); err != nil {
			return err
		}
	}
	if f.caFile != "" {
		if err := os.WriteFile(f.caFile, sim.CACertPEM(), 0o644); err != nil {
			return fmt.Errorf("simulator: the CA certificate could not be written: %w", err)
		}
	}
	server, err := simulator.Listen(ctx, f.listen, sim)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	_, _ = fmt.Fprintf(out, `Contoso, an organisation of %d people, at
  programs       %s   (trust %s)
  Teams window   %s/teams
  report         %s/_simulator/report
  rates, copies  %s/_simulator/rates  …/copies?broadcast=ID
  dials, outage  %s/_simulator/dials  …/outage
  bot            %s
Ctrl-C stops it.
`, f.options.People, server.URL(), f.caFile, server.PlainURL(), server.PlainURL(), server.PlainURL(), server.PlainURL(), f.options.BotEndpoint)
	<-ctx.Done()
	if f.state == "" {
		return nil
	}
	if err := errors.Join(server.Close(), sim.Close()); err != nil {
		return err
	}
	return sim.SaveState(f.state)
}
