package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Version is what `fanfare version` prints; the release build sets it.
var Version = "dev"

const usage = `fanfare: announcements to every person's Microsoft Teams chat

  fanfare serve      run the web application, the API, the bot endpoint and the engine
  fanfare migrate    bring the database to this version's schema
  fanfare doctor     check the set-up: addresses, database, Entra ID, Graph, Teams
  fanfare package    make the Teams app package for your organisation's catalogue
  fanfare config     print the configuration in effect, secrets masked
  fanfare version    print the version

Configuration comes from the environment (FANFARE_…); "fanfare config -h" lists it.
"fanfare COMMAND -h" explains a command.
`

// command is one subcommand.
type command struct {
	about string
	flags func(*flag.FlagSet)
	run   func(ctx context.Context, c Config, at terminal) error
}

// terminal is where a command was called from.
type terminal struct {
	out, err io.Writer
	flags    *flag.FlagSet
}

// flag is what was given for a flag.
func (t terminal) flag(name string) string { return t.flags.Lookup(name).Value.String() }

var commands = map[string]command{
	"serve":   {"Run the web application, the API, the bot endpoint and the engine until SIGTERM or Ctrl-C.\nThe database is migrated first.\n", nil, serve},
	"migrate": {"Bring the database to this version's schema, under a lock, and exit.\n", nil, migrate},
	"config":  {"Print the configuration in effect, secrets masked. Every setting comes from the environment:\n\n", nil, nil},
	"doctor":  {"Check the set-up and say what to do about what is wrong. Nothing is changed.\nThe exit status is 1 if something failed, 0 if all is well or could be better.\n", doctorFlags, doctor},
	"package": {"Make the Teams app package, to be uploaded in the Teams admin centre.\n", packageFlags, packageApp},
}

// Main is the whole program; cmd/fanfare only calls it. It returns the exit
// code: 0 done, 1 failed, 2 called wrongly.
func Main(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return 0
	}
	fs := flag.NewFlagSet("fanfare "+args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	if cmd := commands[args[0]]; cmd.flags != nil {
		cmd.flags(fs)
	}
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), help(args[0]))
		fs.PrintDefaults()
	}
	if len(args) > 1 && (args[1] == "-h" || args[1] == "-help" || args[1] == "--help") {
		fs.SetOutput(stdout)
	}
	switch err := fs.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "fanfare %s takes no arguments; it got %q\n", args[0], fs.Arg(0))
		return 2
	}
	return dispatch(args[0], getenv, terminal{stdout, stderr, fs})
}

func dispatch(name string, getenv func(string) string, at terminal) int {
	if name == "version" {
		fmt.Fprintln(at.out, versionText())
		return 0
	}
	cmd, known := commands[name]
	if !known {
		fmt.Fprintf(at.err, "fanfare has no command %q\n\n%s", name, usage)
		return 2
	}
	c, err := ReadConfig(getenv)
	if name == "config" {
		fmt.Fprint(at.out, c.Text())
	}
	if err != nil {
		fmt.Fprintf(at.err, "The configuration has mistakes:\n%s\n", indent(err))
		return 1
	}
	if cmd.run == nil {
		return 0
	}
	// The first signal stops cleanly; a second one, after stop(), kills as usual.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := cmd.run(ctx, c, at); err != nil {
		fmt.Fprintf(at.err, "fanfare %s: %v\n", name, err)
		return 1
	}
	return 0
}

func help(name string) string {
	if name == "version" {
		return "Print the version.\n"
	}
	cmd, known := commands[name]
	if !known {
		return usage
	}
	if name != "config" {
		return cmd.about
	}
	text := cmd.about
	for _, s := range settings {
		text += fmt.Sprintf("  %s\n      %s\n", s.name, s.about)
		if s.usual != "" {
			text += "      usually " + s.usual + "\n"
		}
	}
	return text
}

func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "fanfare " + Version
	}
	return fmt.Sprintf("fanfare %s (%s)", Version, info.GoVersion)
}

func indent(err error) string {
	out := ""
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return "  " + err.Error()
	}
	for _, e := range many.Unwrap() {
		out += "  " + e.Error() + "\n"
	}
	return out
}
