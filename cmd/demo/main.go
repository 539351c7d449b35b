// Command demo runs the whole product on one machine: a simulated Microsoft
// tenant and the production server, joined by configuration alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const intro = `demo runs Fanfare against a simulated Microsoft tenant: nothing to install, nothing leaves this machine.

  go run ./cmd/demo [flags]

`

// flags are what a person can choose.
type flags struct {
	people          int
	listen          string
	simulatorListen string
	database        string
	data            string
	rate            int
	announce        string
	logLevel        string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f, err := parse(args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	if err := demo(ctx, f, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, "Stopped.")
	return 0
}

func parse(args []string, stdout, stderr io.Writer) (flags, error) {
	var f flags
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&f.people, "people", 1000, "how many people Contoso has, from 10 to 1,000,000")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of Fanfare; port 0 takes any free one")
	fs.StringVar(&f.simulatorListen, "simulator-listen", "127.0.0.1:9443", "address of the simulated Microsoft; port 0 takes any free one")
	fs.StringVar(&f.database, "database", "", "sqlite:FILE or postgres://… (usually a file in the data directory)")
	fs.StringVar(&f.data, "data", "", "directory to keep everything in and to go on from; without it all is forgotten at the end")
	fs.IntVar(&f.rate, "rate", 50, "requests/s the simulated Connector allows, as Microsoft's 50; 0 lifts every limit, Graph's too")
	fs.StringVar(&f.announce, "announce", "", "file to write addresses, sign-ins and API keys to (JSON), once everything answers")
	fs.StringVar(&f.logLevel, "log", "warn", "what the server logs: debug, info, warn or error")
	fs.Usage = func() {
		fs.SetOutput(stdout)
		fmt.Fprint(stdout, intro)
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return f, err
	}
	switch {
	case fs.NArg() > 0:
		return f, fmt.Errorf("demo takes flags only; it got %q (see -h)", fs.Arg(0))
	case f.people < 10 || f.people > 1_000_000:
		return f, fmt.Errorf("-people is %d; choose from 10 to 1,000,000", f.people)
	case f.rate < 0 || f.rate > 100_000:
		return f, fmt.Errorf("-rate is %d; choose from 1 to 100,000, or 0 for no limit", f.rate)
	}
	return f, nil
}
