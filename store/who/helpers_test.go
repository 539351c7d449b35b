package who_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ctx is every test's context: a test that hangs is stopped by go test.
var (
	ctx     = context.Background()
	must    = storetest.Must
	id      = storetest.ID
	address = storetest.Address
)

func the[T any](v T, err error) func(testing.TB) T { return storetest.The(v, err) }

// hire stores somebody as a full read of the directory tells them.
func hire(t testing.TB, st *store.Store, n int, name string) {
	t.Helper()
	member := person.Member
	must(t, st.SavePeople(ctx, []person.Patch{{
		EntraID: id(n), Name: &name, UPN: new(fmt.Sprintf("person.%d@contoso.example", n)), Type: &member, Guest: new(false), Enabled: new(true), Licensed: new(true),
		Department: new("Sales"), City: new("Berlin"), UsageLocation: new("DE"),
	}}, nil))
}

var admin = broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "cora", Name: "Cora Admin"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}

// service is the use-cases on a store.
func service(st *store.Store) *who.Service { return who.NewService(st, 0, st.Now) }

// story is what the page of a person shows.
func story(t testing.TB, st *store.Store, n int) who.Story {
	t.Helper()
	return the(service(st).Story(ctx, admin, who.ReceiptQuery{Person: id(n)}))(t)
}

// events are what happened to the bot at a person, oldest first.
func events(t testing.TB, st *store.Store, n int) []string {
	t.Helper()
	var out []string
	for _, m := range the(st.PersonMoves(ctx, id(n), 100))(t) {
		out = append([]string{string(m.Event) + "/" + string(m.Reason)}, out...)
	}
	return out
}

// sending is a broadcast to some people, being sent.
func sending(t testing.TB, st *store.Store, clock *storetest.Clock, title string, to ...int) broadcast.ID {
	t.Helper()
	clock.Pass(time.Second)
	now := clock.Now()
	b := &broadcast.Broadcast{
		ID: broadcast.NewID(now), State: broadcast.Draft, Author: admin.ActorRef, CreatedAt: now, UpdatedAt: now,
		Message: broadcast.Message{Title: title, Body: "World"}, Audience: broadcast.Everyone(),
	}
	must(t, st.Create(ctx, b, broadcast.Move{BroadcastID: b.ID, Event: broadcast.EventCreate, To: broadcast.Draft, By: admin.ActorRef, At: now}))
	move := func(f func(b *broadcast.Broadcast)) {
		was := the(st.Broadcast(ctx, b.ID))(t)
		next := *was
		f(&next)
		the(st.Change(ctx, broadcast.Change{Before: was, After: &next, Move: broadcast.Move{BroadcastID: b.ID, Event: "test", By: admin.ActorRef, At: now}}))(t)
	}
	move(func(b *broadcast.Broadcast) { b.State, b.StartedAt = broadcast.Resolving, now })
	var page []broadcast.Recipient
	for _, n := range to {
		known := the(st.KnownPeople(ctx, []broadcast.EntraID{id(n)}))(t)
		page = append(page, known...)
	}
	must(t, st.AddDeliveries(ctx, b.ID, page, 1))
	move(func(b *broadcast.Broadcast) { b.State, b.ListedAt, b.Wave = broadcast.Sending, now, 1 })
	return b.ID
}
