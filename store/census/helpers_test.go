package census_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ctx is every test's context: a test that hangs is stopped by go test.
var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func the[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func id(n int) broadcast.EntraID {
	return broadcast.EntraID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

func ptr[T any](v T) *T { return &v }

// patch is a person as a full read of the directory tells them.
func patch(n int) person.Patch {
	return person.Patch{
		EntraID: id(n), Name: ptr(fmt.Sprintf("Person %d", n)), UPN: ptr(fmt.Sprintf("person.%d@contoso.example", n)),
		Guest: ptr(false), Enabled: ptr(true), Licensed: ptr(true),
	}
}

// people stores n people, 1 to n.
func people(t testing.TB, st *store.Store, n int) {
	t.Helper()
	var page []person.Patch
	for i := 1; i <= n; i++ {
		if page = append(page, patch(i)); len(page) == 500 || i == n {
			must(t, st.SavePeople(ctx, page, nil))
			page = nil
		}
	}
}

var author = broadcast.ActorRef{ID: "author", Name: "Ada Author"}

const minute = time.Minute

// at is n seconds after some moment.
func at(n int) time.Time { return time.Date(2026, 11, 21, 9, 0, n, 0, time.UTC) }
