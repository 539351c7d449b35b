package census_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ctx is every test's context: a test that hangs is stopped by go test.
var (
	ctx    = context.Background()
	must   = storetest.Must
	id     = storetest.ID
	patch  = storetest.Patch
	people = storetest.People
)

func the[T any](v T, err error) func(testing.TB) T { return storetest.The(v, err) }

var author = broadcast.ActorRef{ID: "author", Name: "Ada Author"}

const minute = time.Minute

// at is n seconds after some moment.
func at(n int) time.Time { return time.Date(2026, 11, 21, 9, 0, n, 0, time.UTC) }
