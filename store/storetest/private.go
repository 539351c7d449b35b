package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// private is a PostgreSQL server that lives as long as this process.
type private struct {
	dsn   string
	cmd   *exec.Cmd
	leash io.Closer
	dir   string
}

// started tells that the server was asked for, so that Main need not start one
// only to end it.
var started atomic.Bool

// The server runs under a shell that holds on to our end of a pipe: when this
// process ends, whether cleanly, by a panic or by a kill, reading returns and the
// shell takes the server and its files along.
const script = `
set -e
"$1/initdb" --pgdata="$2/data" --auth=trust --username=postgres --no-sync --encoding=UTF8 --locale=C >"$2/initdb.log" 2>&1
"$1/postgres" -D "$2/data" -c listen_addresses= -c unix_socket_directories="$2" -c max_connections=300 -c log_min_messages=fatal $3 >"$2/server.log" 2>&1 &
server=$!
read -r _ || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
rm -rf "$2/data" "$2"/*.log
rmdir "$2" 2>/dev/null || true
`

// EnvDurable names the environment variable that has the private server keep its
// promises as in production, and gives it some memory: for measuring.
const EnvDurable = "FANFARE_TEST_DURABLE"

// Safety against power cuts is usually off: the data is worth nothing, the time is.
const (
	hasty   = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB"
	durable = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=512MB -c max_wal_size=4GB"
)

func serverSettings() string {
	if os.Getenv(EnvDurable) != "" {
		return durable
	}
	return hasty
}

func startPrivate(ctx context.Context) (*private, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fanfare-postgres-")
	if err != nil {
		return nil, err
	}
	// The server's user may be another one (see shell); it writes here alone.
	if err := os.Chmod(dir, 0o777); err != nil { // nothing of value is in it
		return nil, err
	}
	// A socket in a folder of its own: ports are taken by whoever else starts just now.
	p := &private{dir: dir, dsn: "postgres://postgres@/postgres?sslmode=disable&host=" + url.QueryEscape(dir)}
	p.cmd = shell(bin, dir, serverSettings())
	if p.leash, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "initdb.log"))
		more, _ := os.ReadFile(filepath.Join(dir, "server.log"))
		p.stop()
		return nil, fmt.Errorf("the server did not start: %w\n%s%s", err, said, more)
	}
	return p, nil
}

// shell runs the script; as root through su, because PostgreSQL refuses root.
func shell(args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		return exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	}
	// su has no way to pass the script and its arguments but as one line and more.
	return exec.Command("su", append([]string{"postgres", "-s", "/bin/sh", "-c", script, "--", "sh"}, args...)...)
}

func (p *private) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond): // there is no event to wait for but its answer
		}
	}
}

func (p *private) stop() {
	_ = p.leash.Close()
	_ = p.cmd.Wait()
	_ = os.RemoveAll(p.dir)
}

// findPrograms finds the folder of initdb and postgres.
func findPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian keeps them out of PATH
	slices.Reverse(folders)
	if found, err := exec.LookPath("postgres"); err == nil {
		folders = append([]string{filepath.Dir(found)}, folders...)
	}
	for _, f := range folders {
		_, err1 := os.Stat(filepath.Join(f, "initdb"))
		_, err2 := os.Stat(filepath.Join(f, "postgres"))
		if err1 == nil && err2 == nil {
			return f, nil
		}
	}
	return "", errors.New("there is none: install PostgreSQL (Debian: apt-get install postgresql), or set " + EnvPostgres + " to the address of a running server whose user may create databases")
}
