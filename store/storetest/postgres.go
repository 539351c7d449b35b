package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fanfare/fanfare/store"
)

// EnvPostgres names the environment variable with the DSN of a running server,
// for somebody who may create databases.
const EnvPostgres = "FANFARE_TEST_POSTGRES"

// server is this process's way to PostgreSQL.
type server struct {
	admin    *url.URL // its path names the administrator's database
	template string   // a migrated database to copy
	private  *private // nil when somebody else runs the server
	// PostgreSQL copies one template at a time.
	copying sync.Mutex
}

var theServer = sync.OnceValues(findServer)

func findServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s := &server{}
	dsn := os.Getenv(EnvPostgres)
	if dsn == "" {
		var err error
		if s.private, err = startPrivate(ctx); err != nil {
			return nil, err
		}
		dsn = s.private.dsn
	}
	var err error
	if s.admin, err = url.Parse(dsn); err != nil {
		return nil, errors.New(EnvPostgres + " is not an address like postgres://user:password@host:5432/postgres")
	}
	s.template = "fanfare_test_" + strings.ToLower(rand.Text())
	if err := s.makeTemplate(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// Main runs a package's tests and then ends the private server and waits for it.
// Without it the server ends too, when it notices that the process has.
func Main(m *testing.M) int {
	code := m.Run()
	if started.Load() {
		if s, err := theServer(); err == nil {
			s.stop()
		}
	}
	return code
}

func (s *server) stop() {
	if s.private != nil {
		s.private.stop()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.run(ctx, "DROP DATABASE IF EXISTS "+quote(s.template)); err != nil {
		fmt.Fprintln(os.Stderr, "storetest: the template database is left behind:", err)
	}
}

func (s *server) makeTemplate(ctx context.Context) error {
	if err := s.run(ctx, "CREATE DATABASE "+quote(s.template)); err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Options{DSN: s.dsn(s.template), TenantID: Tenant})
	if err != nil {
		return err
	}
	return errors.Join(st.Migrate(ctx), st.Close())
}

// postgresCopy is a copy of the template.
func postgresCopy(t testing.TB) (string, error) {
	started.Store(true)
	s, err := theServer()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := "fanfare_test_" + strings.ToLower(rand.Text())
	s.copying.Lock()
	err = s.run(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(s.template))
	s.copying.Unlock()
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.run(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return s.dsn(name), nil
}

func (s *server) run(ctx context.Context, stmt string) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, stmt)
	return errors.Join(err, conn.Close(ctx))
}

func (s *server) dsn(database string) string {
	u := *s.admin
	u.Path = "/" + database
	return u.String()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
