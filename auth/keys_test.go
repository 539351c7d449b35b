package auth_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/store"
	"github.com/fanfare/fanfare/store/storetest"
)

var owner = broadcast.Actor{
	ActorRef: broadcast.ActorRef{ID: "0b1ec700-0001-4000-8000-00000000a11c", Name: "Ada Author"},
	Roles:    []broadcast.Role{broadcast.RoleAuthor},
}

type keyring struct {
	*auth.Keys
	clock *clock
	log   *lockedBuffer
}

func newKeyring(st *store.Store) keyring {
	k := keyring{clock: &clock{now: time.Now().Truncate(time.Millisecond)}, log: &lockedBuffer{}}
	k.Keys = auth.NewKeys(st, k.clock.Now, slog.New(slog.NewTextHandler(k.log, nil)))
	return k
}

func TestAKeySpeaksForItsOwner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		keys := newKeyring(st)
		secret, key, err := keys.Create(t.Context(), owner, "  nightly   report ")
		if err != nil {
			t.Fatal(err)
		}
		if key.Name != "nightly report" || !strings.HasPrefix(secret, "ff_"+string(key.ID)+"_") || len(secret) != 3+36+1+43 {
			t.Errorf("key %+v, secret of %d characters", key, len(secret))
		}
		got, err := keys.Actor(t.Context(), "Bearer "+secret)
		if err != nil || got.ActorRef != owner.ActorRef || !slices.Equal(got.Roles, owner.Roles) {
			t.Errorf("actor %+v, error %v", got, err)
		}
		if _, err := keys.Actor(t.Context(), "bearer "+secret); err != nil {
			t.Errorf("the scheme's case matters: %v", err)
		}
		list, err := keys.List(t.Context(), owner)
		if err != nil || len(list) != 1 || strings.Contains(list[0].Hash, secret[40:]) || len(list[0].Hash) != 64 {
			t.Errorf("list %+v, error %v", list, err)
		}
		if strings.Contains(keys.log.String(), secret[40:]) {
			t.Error("the secret is in the log")
		}
	})
}

func TestARevokedKeyOpensNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		keys := newKeyring(st)
		secret, key, err := keys.Create(t.Context(), owner, "report")
		if err != nil {
			t.Fatal(err)
		}
		stranger := owner
		stranger.ID = "99999999-0001-4000-8000-00000000a11c"
		if err := keys.Revoke(t.Context(), stranger, key.ID); !broadcast.IsCode(err, broadcast.NotFound) {
			t.Errorf("somebody else's key: %v", err)
		}
		if err := keys.Revoke(t.Context(), owner, key.ID); err != nil {
			t.Fatal(err)
		}
		var nobody *auth.Unauthenticated
		if _, err := keys.Actor(t.Context(), "Bearer "+secret); !errors.As(err, &nobody) {
			t.Errorf("a revoked key: %v", err)
		}
	})
}

// TestAKeyEndsWithItsOwnersAccount: a person who may not sign in any more does not
// go on through a program.
func TestAKeyEndsWithItsOwnersAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		keys := newKeyring(st)
		secret, _, err := keys.Create(t.Context(), owner, "report")
		if err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		for _, step := range []struct {
			account noun.Patch
			works   bool
		}{
			{noun.Patch{Enabled: &yes}, true},
			{noun.Patch{Enabled: &no}, false},
			{noun.Patch{Enabled: &yes}, true},
			{noun.Patch{Deleted: &yes}, false},
		} {
			step.account.EntraID = owner.ID
			if err := st.SavePeople(t.Context(), []noun.Patch{step.account}, nil); err != nil {
				t.Fatal(err)
			}
			var nobody *auth.Unauthenticated
			_, err := keys.Actor(t.Context(), "Bearer "+secret)
			if step.works && err != nil || !step.works && !errors.As(err, &nobody) {
				t.Errorf("%+v: %v, want it to work: %v", step.account, err, step.works)
			}
		}
	})
}

func TestAnAdminSeesAndRevokesEverybodysKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		keys := newKeyring(st)
		secret, key, err := keys.Create(t.Context(), owner, "report")
		if err != nil {
			t.Fatal(err)
		}
		admin := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: "99999999-0001-4000-8000-00000000a11c", Name: "Cora"}, Roles: []broadcast.Role{broadcast.RoleAdmin}}
		if list, err := keys.List(t.Context(), admin); err != nil || len(list) != 1 || list[0].Owner != owner.ActorRef {
			t.Errorf("the admin sees %+v, %v", list, err)
		}
		if err := keys.Revoke(t.Context(), admin, key.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Actor(t.Context(), "Bearer "+secret); err == nil {
			t.Error("the key still works")
		}
	})
}

func TestWrongKeysAreTurnedAway(t *testing.T) {
	t.Parallel()
	keys := newKeyring(storetest.New(t))
	secret, _, err := keys.Create(t.Context(), owner, "report")
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := keys.Create(t.Context(), owner, "another")
	if err != nil {
		t.Fatal(err)
	}
	last := "A"
	if strings.HasSuffix(secret, "A") {
		last = "E"
	}
	for name, header := range map[string]string{
		"none": "", "blank": "  ", "no scheme": secret, "basic": "Basic " + secret, "empty": "Bearer ",
		"no prefix": "Bearer " + secret[3:], "cut": "Bearer " + secret[:len(secret)-1], "longer": "Bearer " + secret + "A",
		"one letter": "Bearer " + secret[:len(secret)-1] + last, "mixed": "Bearer " + secret[:40] + other[40:],
		"huge": "Bearer ff_" + strings.Repeat("a", 10_000), "a token of Entra's": "Bearer eyJhbGciOiJub25lIn0.e30.",
	} {
		var nobody *auth.Unauthenticated
		if _, err := keys.Actor(t.Context(), header); !errors.As(err, &nobody) || nobody.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUseIsNotedOncePerHour(t *testing.T) {
	t.Parallel()
	keys := newKeyring(storetest.New(t))
	secret, _, err := keys.Create(t.Context(), owner, "report")
	if err != nil {
		t.Fatal(err)
	}
	lastUse := func() time.Time {
		if _, err := keys.Actor(t.Context(), "Bearer "+secret); err != nil {
			t.Fatal(err)
		}
		list, err := keys.List(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return list[0].LastUsedAt
	}
	first := keys.clock.Now()
	if got := lastUse(); !got.Equal(first) {
		t.Errorf("last use %v, want %v", got, first)
	}
	keys.clock.advance(59 * time.Minute)
	if got := lastUse(); !got.Equal(first) {
		t.Errorf("noted again after %v", got.Sub(first))
	}
	keys.clock.advance(time.Minute)
	if got := lastUse(); !got.Equal(keys.clock.Now()) {
		t.Errorf("last use %v, want %v", got, keys.clock.Now())
	}
}

func TestAKeyNeedsANameAndAnOwnerWithARole(t *testing.T) {
	t.Parallel()
	keys := newKeyring(storetest.New(t))
	for _, name := range []string{"", " \n ", strings.Repeat("x", 81), "\xff"} {
		_, _, err := keys.Create(t.Context(), owner, name)
		if e := broadcast.AsError(err); e == nil || e.Code != broadcast.Invalid || e.Field != "name" {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, a := range []broadcast.Actor{{ActorRef: owner.ActorRef}, broadcast.EngineActor} {
		if _, _, err := keys.Create(t.Context(), a, "report"); !broadcast.IsCode(err, broadcast.Forbidden) {
			t.Errorf("%v: %v", a, err)
		}
	}
}
