package river_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fanfare/fanfare/engine/river"
)

// admin reaches a running server whose databases these tests may make.
var admin string

var databases atomic.Int64

// emptyDSN is a database of this test's own, without any table.
func emptyDSN(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("engine_%d_%d", os.Getpid(), databases.Add(1))
	sql(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { sql(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	c, err := pgx.ParseConfig(admin)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s", c.Host, c.Port, c.User, c.Password, name)
}

func sql(t *testing.T, statement string) {
	t.Helper()
	ctx := context.Background() // also used after the test's own has ended
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

func newPool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// newDatabase has River's tables.
func newDatabase(t *testing.T) (string, *pgxpool.Pool) {
	t.Helper()
	dsn := emptyDSN(t)
	pool := newPool(t, dsn)
	if err := river.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return dsn, pool
}

// startPostgres runs a private server in dir until stop is called.
func startPostgres(dir string) (dsn string, stop func(), err error) {
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", nil, err
	}
	who, err := serverUser(dir, data)
	if err != nil {
		return "", nil, err
	}
	run := func(tool string, args ...string) error {
		path, err := find(tool)
		if err != nil {
			return err
		}
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.SysProcAttr = dir, who
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", tool, err, out)
		}
		return nil
	}
	if err := run("initdb", "-D", data, "-U", "fanfare", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return "", nil, err
	}
	// A socket needs no free port; without fsync a test machine keeps up.
	options := fmt.Sprintf("-c listen_addresses='' -c unix_socket_directories='%s' -c fsync=off -c max_connections=200", dir)
	if err := run("pg_ctl", "-D", data, "-l", filepath.Join(data, "log"), "-w", "-o", options, "start"); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("host=%s user=fanfare dbname=postgres", dir), func() {
		_ = run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
	}, nil
}

// serverUser: PostgreSQL refuses to run as root, so root borrows its user.
func serverUser(dirs ...string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	err = errors.Join(uidErr, gidErr)
	for _, d := range dirs {
		err = errors.Join(err, os.Chown(d, int(uid), int(gid)))
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, err
}

func find(tool string) (string, error) {
	if path, err := exec.LookPath(tool); err == nil {
		return path, nil
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + tool); len(found) > 0 {
		return found[len(found)-1], nil
	}
	return "", fmt.Errorf("%s not found: install PostgreSQL, or set FANFARE_TEST_POSTGRES to a running server's DSN", tool)
}
