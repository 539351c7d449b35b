package store_test

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/migrations"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/upkeep"
)

func TestLawMigrationsAreTwins(t *testing.T) {
	t.Parallel()
	names := func(files fs.FS) []string {
		return the(fs.Glob(files, "*.sql"))(t)
	}
	if p, s := names(migrations.Postgres()), names(migrations.SQLite()); !slices.Equal(p, s) || len(p) == 0 {
		t.Fatalf("the twin folders differ: %v and %v", p, s)
	}
	p, s := storetest.Columns(t, migrated(t, storetest.Postgres)), storetest.Columns(t, migrated(t, storetest.SQLite))
	if !maps.EqualFunc(p, s, slices.Equal) {
		t.Fatalf("the databases' tables differ:\n%v\n%v", p, s)
	}
}

// migrated is a database at the newest version.
func migrated(t *testing.T, kind string) string {
	t.Helper()
	dsn := storetest.DSN(t, kind)
	storetest.Open(t, dsn, nil)
	return dsn
}

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	var ours []string
	for table := range storetest.Columns(t, migrated(t, storetest.SQLite)) {
		if !slices.Contains(slices.Concat(storetest.Budget(), storetest.Census(), storetest.Doors(), storetest.Who(), storetest.Places(), storetest.Lists(), storetest.Scopes(), storetest.Received(), storetest.Rings(), storetest.Upkeep(), storetest.Joins()), table) { // theirs to test
			ours = append(ours, table)
		}
	}
	storetest.RowsAreTables(t, store.Tables(), ours...)
}

func TestLawChecksAreTheStateTables(t *testing.T) {
	t.Parallel()
	texts := func(states ...string) []string { return states }
	want := map[string][]string{
		"broadcasts.state":         words(broadcast.States()),
		"broadcasts.kind":          words(broadcast.BroadcastKinds()),
		"broadcasts.priority":      words(broadcast.Priorities()),
		"broadcasts.late":          words(broadcast.Lates()),
		"broadcasts.repeats":       words(broadcast.RepeatPolicies()),
		"deliveries.state":         words(broadcast.DeliveryStates()),
		"installations.state":      words(broadcast.InstallationStates()),
		"installation_moves.event": words(who.Events()),
		"places.kind":              words(places.Kinds()),
		"places.state":             words(places.States()),
		"channels.state":           words(places.ChannelStates()),
		"list_rows.problem":        words(lists.Problems()),
		"rings.state":              words(rollout.RingStates()),
		"rollout_moves.event":      words(rollout.Events()),
		"upkeep_passes.state":      words(upkeep.States()),
		"upkeep_passes.cause":      words(upkeep.Causes()),
		"upkeep_findings.finding":  words(upkeep.Findings()),
		"joins.state":              words(join.States()),
		"rollouts.state":           texts(string(broadcast.RolloutIdle), string(broadcast.RolloutRunning), string(broadcast.RolloutPaused)),
	}
	// Later migrations say it anew: ALTER on PostgreSQL, a table built anew on SQLite.
	table := regexp.MustCompile(`(?s)(?:CREATE|ALTER) TABLE (\w+?)(?:_new)?\s+(?:\(|ADD)(.*?);`)
	check := regexp.MustCompile(`CHECK \((\w+) IN \(([^)]*)\)\)`)
	for kind, files := range map[string]fs.FS{"postgres": migrations.Postgres(), "sqlite": migrations.SQLite()} {
		found := map[string][]string{}
		for _, name := range the(fs.Glob(files, "*.sql"))(t) {
			text := string(the(fs.ReadFile(files, name))(t))
			for _, m := range table.FindAllStringSubmatch(text, -1) {
				for _, c := range check.FindAllStringSubmatch(m[2], -1) {
					found[m[1]+"."+c[1]] = strings.Split(strings.ReplaceAll(c[2], "'", ""), ", ")
				}
			}
		}
		if !maps.EqualFunc(want, found, slices.Equal) {
			t.Errorf("%s checks %v; the state tables are %v", kind, found, want)
		}
	}
}

func TestLawTalliesHaveAColumnPerState(t *testing.T) {
	t.Parallel()
	want := append([]string{"tenant_id", "broadcast_id"}, words(broadcast.DeliveryStates())...)
	want = append(want, "maybe_repeated")
	if got := storetest.Columns(t, migrated(t, storetest.SQLite))["tallies"]; !slices.Equal(got, want) {
		t.Fatalf("tallies has %v, the states are %v", got, want)
	}
}

func words[S ~string](states []S) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return out
}
