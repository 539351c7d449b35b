package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/fanfare/fanfare/migrations"
)

// Migrate builds or completes the schema. Replicas may call it at the same time:
// on PostgreSQL they queue at an advisory lock, on SQLite, where there is but one
// process, at a lock in it.
func (d *DB) Migrate(ctx context.Context) error {
	dialect, files := goose.DialectSQLite3, migrations.SQLite()
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(d.log)}
	if d.Postgres() {
		dialect, files = goose.DialectPostgres, migrations.Postgres()
		// Asked every second for five minutes.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	if d.file != nil {
		d.file.migrating.Lock()
		defer d.file.migrating.Unlock()
	}
	p, err := goose.NewProvider(dialect, d.writes, files, options...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return d.Migrated(ctx)
}

// Migrated tells whether the schema is the one this program was built for; the
// error is a sentence for the operator.
func (d *DB) Migrated(ctx context.Context) error {
	want, err := newest(migrations.SQLite())
	if err != nil {
		return err
	}
	have, err := d.version(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("the database's version cannot be read: %w", err)
	case have == 0:
		return errors.New("the database is empty: run “fanfare migrate” first")
	case have < want:
		return fmt.Errorf("the database is at version %d and this program needs version %d: run “fanfare migrate” first", have, want)
	case have > want:
		return fmt.Errorf("the database is at version %d and this program knows only version %d: run the newer Fanfare that migrated it", have, want)
	}
	return nil
}

// version is the newest migration in the database, 0 for none.
func (d *DB) version(ctx context.Context) (int64, error) {
	r := d.Read(ctx)
	tables := `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	if d.Postgres() {
		tables = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'`
	}
	var n, version int64
	if _, err := r.Scan(&n, tables, nil); err != nil || n == 0 {
		return 0, err
	}
	_, err := r.Scan(&version, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`, nil)
	return version, err
}

// newest is the highest number at the beginning of a migration's file name.
func newest(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(err, errors.New("store: no migrations embedded"))
	}
	number, _, _ := strings.Cut(names[len(names)-1], "_") // Glob sorts
	return strconv.ParseInt(number, 10, 64)
}
