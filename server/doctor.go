package server

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/store"
)

func doctorFlags(fs *flag.FlagSet) { fs.Bool("json", false, "print JSON for programs") }

// doctor makes the checks of the Set-up page without a server, so that it also tells
// why there is none.
func doctor(ctx context.Context, c Config, at terminal) error {
	db, note, closeDB := c.lookAtDatabase(ctx)
	defer closeDB()
	out, err := c.strangers()
	if err != nil {
		return err
	}
	report := out.desk(db).Run(ctx)
	note.onto(&report)
	print := printTable
	if at.flag("json") == "true" {
		print = printJSON
	}
	if err := print(at.out, report); err != nil {
		return err
	}
	if n := report.Count(setup.Failed); n > 0 {
		return fmt.Errorf("%d of %d checks failed", n, len(report.Results))
	}
	return nil
}

// remark is why the database was not looked at, for the check that asks for it.
type remark struct{ setup.Finding }

func (r remark) onto(report *setup.Report) {
	for i := range report.Results {
		if r.State != "" && report.Results[i].Name == "database" {
			report.Results[i].Finding = r.Finding
		}
	}
}

// openWithin is how long a database may take to let us in.
const openWithin = 20 * time.Second

// lookAtDatabase opens the database as it is: it creates nothing and migrates nothing.
// Without one the other checks go on.
func (c *Config) lookAtDatabase(ctx context.Context) (setup.Database, remark, func()) {
	none := func() {}
	if file, found := strings.CutPrefix(c.Database, "sqlite:"); found {
		file, _, _ = strings.Cut(file, "?")
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return nil, remark{setup.Finding{State: setup.Failed, Cause: "There is no SQLite file at the place FANFARE_DATABASE names.", Remedy: "“fanfare serve” or “fanfare migrate” makes it."}}, none
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	st, err := store.Open(ctx, store.Options{DSN: c.Database, TenantID: c.TenantID, Log: slog.New(slog.DiscardHandler)})
	var busy interface{ InUse() bool }
	switch {
	case errors.As(err, &busy):
		return nil, remark{setup.Finding{State: setup.Unknown, Cause: "Another Fanfare process has the SQLite file open, and a file serves one process.", Remedy: "If that is “fanfare serve”, all is well: its Set-up page checks the database from inside."}}, none
	case err != nil:
		return nil, remark{setup.Finding{State: setup.Failed, Cause: "The database cannot be opened: " + strings.TrimPrefix(err.Error(), "store: ") + ".", Remedy: "Look at FANFARE_DATABASE, and whether the database runs and lets this machine in."}}, none
	}
	return records{st}, remark{}, func() { _ = st.Close() }
}

// stateWords are as wide as a table's first column.
var stateWords = map[setup.State]string{setup.OK: "ok", setup.Warning: "WARNING", setup.Failed: "FAILED", setup.Unknown: "unknown"}

func printTable(out io.Writer, r setup.Report) error {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, part := range r.Parts() {
		fmt.Fprintf(t, "%s\n", part)
		for _, one := range r.Results {
			if one.Part != part {
				continue
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\n", stateWords[one.State], one.Title, one.Cause)
			if one.Remedy != "" {
				fmt.Fprintf(t, "  \t\t→ %s\n", one.Remedy)
			}
		}
	}
	fmt.Fprintf(t, "\n%s\n", r.Summary())
	return t.Flush()
}

// printJSON has the shape of GET /api/v1/setup.
func printJSON(out io.Writer, r setup.Report) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r.JSON())
}

func packageFlags(fs *flag.FlagSet) {
	fs.String("out", "fanfare.zip", "the file to write; - for standard output")
}

// packageApp writes the Teams app package.
func packageApp(_ context.Context, c Config, at terminal) error {
	raw, err := c.teamsApp().Make()
	if err != nil {
		return err
	}
	file := at.flag("out")
	if file == "-" {
		_, err := at.out.Write(raw)
		return err
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		return fmt.Errorf("the package cannot be written: %w", err)
	}
	fmt.Fprintf(at.out, "%s holds version %s of “%s”: upload it in the Teams admin centre under Teams apps → Manage apps.\n", file, c.App.Version, c.App.Name)
	return nil
}
