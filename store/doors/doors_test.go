package doors_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/doors"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var ctx = context.Background()

const lease = time.Minute

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func save(t testing.TB, st *store.Store, conversation, activity string) bool {
	t.Helper()
	fresh, err := st.SaveActivity(ctx, broadcast.Inbound{ConversationID: conversation, ActivityID: activity, Body: []byte(`{"id":"` + activity + `"}`), ReceivedAt: time.UnixMilli(7).UTC()})
	must(t, err)
	return fresh
}

func take(t testing.TB, st *store.Store, limit int) (names []string, ids []int64) {
	t.Helper()
	got, err := st.TakeActivities(ctx, limit, lease)
	must(t, err)
	for _, in := range got {
		names, ids = append(names, in.ConversationID+in.ActivityID), append(ids, in.ID)
	}
	return names, ids
}

func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, doors.Tables(), storetest.Doors()...)
}

func TestWhenTeamsWasLastHeardIsKnown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if at, err := st.LastHeard(ctx); err != nil || !at.IsZero() {
			t.Errorf("nobody was heard: %v, %v", at, err)
		}
		save(t, st, "a", "1")
		_, ids := take(t, st, 1)
		must(t, st.FinishActivities(ctx, ids))
		if at, err := st.LastHeard(ctx); err != nil || !at.Equal(time.UnixMilli(7)) {
			t.Errorf("%v, %v", at, err)
		}
	})
}

func TestARedeliveredActivityIsHandledOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var fresh sync.Map
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for n := range 5 {
					if save(t, st, "a", fmt.Sprint(n)) {
						if _, twice := fresh.LoadOrStore(n, true); twice {
							t.Errorf("activity %d was fresh twice", n)
						}
					}
				}
			})
		}
		wg.Wait()
		if !save(t, st, "b", "0") {
			t.Error("the same ID in another chat is another activity")
		}
		names, ids := take(t, st, 100)
		if len(names) != 6 {
			t.Fatalf("took %v", names)
		}
		must(t, st.FinishActivities(ctx, ids))
		must(t, st.FinishActivities(ctx, nil))
		if save(t, st, "a", "3") {
			t.Error("handled, and still fresh")
		}
		if names, _ = take(t, st, 100); len(names) != 0 {
			t.Errorf("handled, and taken again: %v", names)
		}
	})
}

func TestAnActivityWithoutAnIDIsKnownByItsBytes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for i, want := range []bool{true, false, true} {
			in := broadcast.Inbound{ConversationID: "a", Body: []byte{byte(i / 2)}}
			if got, err := st.SaveActivity(ctx, in); err != nil || got != want {
				t.Errorf("%d: fresh %v %v, want %v", i, got, err, want)
			}
		}
	})
}

func TestActivitiesAreTakenOldestFirstAndComeBack(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		for _, name := range []string{"a1", "b1", "a2", "c1", "b2"} {
			save(t, st, name[:1], name[1:])
		}
		first, ids := take(t, st, 2)
		if !reflect.DeepEqual(first, []string{"a1", "b1"}) {
			t.Fatalf("took %v", first)
		}
		// a2 and b2 wait for the older ones of their chats, which are in hand.
		if next, _ := take(t, st, 5); !reflect.DeepEqual(next, []string{"c1"}) {
			t.Fatalf("took %v", next)
		}
		must(t, st.FinishActivities(ctx, ids[:1]))
		if next, _ := take(t, st, 5); !reflect.DeepEqual(next, []string{"a2"}) {
			t.Fatalf("took %v", next)
		}
		clock.Pass(lease) // everybody died
		got, err := st.TakeActivities(ctx, 5, lease)
		must(t, err)
		var tries []int
		for _, in := range got {
			tries = append(tries, in.Attempts)
		}
		if !reflect.DeepEqual(tries, []int{2, 2, 2, 1}) || string(got[0].Body) != `{"id":"1"}` || got[0].ReceivedAt != time.UnixMilli(7).UTC() {
			t.Fatalf("%+v", got)
		}
	})
}

func TestEachActivityIsInOneReplicasHands(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for n := range 40 {
			save(t, st, fmt.Sprint(n%5), fmt.Sprint(n))
		}
		var mu sync.Mutex
		seen := map[int64]bool{}
		last := map[string]int64{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					got, err := st.TakeActivities(ctx, 3, lease)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, in := range got {
						if seen[in.ID] {
							t.Errorf("%d was taken twice", in.ID)
						}
						if last[in.ConversationID] > in.ID {
							t.Errorf("%d after %d in one chat", in.ID, last[in.ConversationID])
						}
						seen[in.ID], last[in.ConversationID] = true, in.ID
						if err := st.FinishActivities(ctx, []int64{in.ID}); err != nil {
							t.Error(err)
						}
					}
					done := len(seen) == 40
					mu.Unlock()
					if done || err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestSessionsEndAndHideTheirTokens(t *testing.T) {
	t.Parallel()
	storetest.EachAt(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		s := st.Sessions()
		if _, found, err := s.Find("token"); found || err != nil {
			t.Fatalf("found %v %v", found, err)
		}
		must(t, s.Commit("token", []byte("one"), clock.Now().Add(time.Hour)))
		must(t, s.Commit("token", []byte("two"), clock.Now().Add(time.Hour)))
		data, found, err := s.Find("token")
		must(t, err)
		if !found || !bytes.Equal(data, []byte("two")) {
			t.Fatalf("%q %v", data, found)
		}
		all, err := s.All()
		must(t, err)
		sum := sha256.Sum256([]byte("token"))
		if len(all) != 1 || string(all[hex.EncodeToString(sum[:])]) != "two" {
			t.Fatalf("%q: what is stored must not be the token", all)
		}
		clock.Pass(time.Hour)
		if _, found, _ := s.Find("token"); found {
			t.Fatal("an ended session was found")
		}
		must(t, s.Commit("other", []byte("x"), clock.Now().Add(time.Hour)))
		must(t, s.Delete("other"))
		must(t, s.Delete("other"))
		if _, found, _ := s.Find("other"); found {
			t.Fatal("a deleted session was found")
		}
	})
}

func TestKeysAreTheirOwnersUntilRevoked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		at := time.UnixMilli(1_700_000_000_000).UTC()
		key := broadcast.Key{ID: broadcast.NewID(at), Name: "CI", Hash: strings.Repeat("ab", 32), Owner: broadcast.ActorRef{ID: "ada", Name: "Ada"}, Roles: []broadcast.Role{broadcast.RoleAuthor, broadcast.RoleAdmin}, CreatedAt: at}
		must(t, st.SaveKey(ctx, key))
		got, err := st.KeyByHash(ctx, key.Hash)
		must(t, err)
		if !reflect.DeepEqual(got, key) {
			t.Fatalf("%+v, want %+v", got, key)
		}
		must(t, st.TouchKey(ctx, key.ID, at.Add(time.Hour)))
		must(t, st.TouchKey(ctx, key.ID, at)) // an older use says nothing new
		if err := st.RevokeKey(ctx, "bob", key.ID, at); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Fatalf("somebody else's key: %v, want not found", err)
		}
		must(t, st.RevokeKey(ctx, "ada", key.ID, at.Add(2*time.Hour)))
		must(t, st.RevokeKey(ctx, "ada", key.ID, at.Add(3*time.Hour)))
		for _, hash := range []string{key.Hash, "", "\x00"} {
			if _, err := st.KeyByHash(ctx, hash); !broadcast.IsCode(err, broadcast.NotFound) {
				t.Fatalf("%q: %v, want not found", hash, err)
			}
		}
		keys, err := st.Keys(ctx, "ada")
		must(t, err)
		if len(keys) != 1 || !keys[0].RevokedAt.Equal(at.Add(2*time.Hour)) || !keys[0].LastUsedAt.Equal(at.Add(time.Hour)) {
			t.Fatalf("%+v", keys)
		}
		if keys, err := st.Keys(ctx, "bob"); err != nil || len(keys) != 0 {
			t.Fatalf("%+v %v", keys, err)
		}
	})
}

// TestActivitiesThatComeTogetherAreAllStored: they share commits, and each is told
// its own truth.
func TestActivitiesThatComeTogetherAreAllStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		const senders, each = 40, 25
		var all sync.WaitGroup
		var fresh atomic.Int64
		for sender := range senders {
			all.Go(func() {
				for n := range each {
					ctx, cancel := context.WithCancel(ctx)
					if n%5 == 0 {
						cancel() // the client has gone, but others may depend on it
					}
					in := broadcast.Inbound{ConversationID: fmt.Sprint(sender / 2), ActivityID: fmt.Sprint(n), Body: []byte{0, 255, byte(n)}, ReceivedAt: time.UnixMilli(7)}
					if n == 7 {
						in.ConversationID, in.ActivityID = "odd \x00\xff", fmt.Sprint(sender/2)
					}
					got, err := st.SaveActivity(ctx, in)
					cancel()
					if err != nil {
						t.Error(err)
					}
					if got {
						fresh.Add(1)
					}
				}
			})
		}
		all.Wait()
		if got := fresh.Load(); got != senders*each/2 { // every conversation had two senders
			t.Fatalf("%d were fresh, want %d", got, senders*each/2)
		}
		in, err := st.TakeActivities(ctx, 10_000, lease)
		if must(t, err); len(in) != senders*each/2 || len(in[0].Body) != 3 {
			t.Fatalf("%d are stored, want %d", len(in), senders*each/2)
		}
	})
}

func TestADatabaseThatIsGoneIsToldToEverySender(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	must(t, st.Close())
	var all sync.WaitGroup
	for n := range 10 {
		all.Go(func() {
			if _, err := st.SaveActivity(ctx, broadcast.Inbound{ConversationID: "c", ActivityID: fmt.Sprint(n)}); err == nil {
				t.Error("stored in a database that is closed")
			}
		})
	}
	all.Wait()
}

// BenchmarkSaveActivity has fifty senders at once, as Teams does after an install.
func BenchmarkSaveActivity(b *testing.B) {
	for _, kind := range storetest.Kinds() {
		b.Run(kind, func(b *testing.B) {
			st := storetest.Open(b, storetest.DSN(b, kind), nil)
			var n atomic.Int64
			b.SetParallelism(25)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := st.SaveActivity(ctx, broadcast.Inbound{ConversationID: fmt.Sprint(n.Add(1)), ActivityID: "1", Body: make([]byte, 800)}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
