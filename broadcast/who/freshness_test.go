package who_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
)

// books is a ledger that knows how reading the directory goes, and nothing else.
type books struct {
	who.Ledger
	sync person.Sync
	err  error
}

func (b books) DirectorySync(context.Context) (person.Sync, error) { return b.sync, b.err }

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	admin  = broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAdmin}}
	author = broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAuthor}}
)

func fresh(t *testing.T, s person.Sync, after time.Duration, a broadcast.Actor) who.Freshness {
	t.Helper()
	f, err := who.NewService(books{sync: s}, after, func() time.Time { return noon }).Freshness(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatWarnsOfADirectory(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	for name, tc := range map[string]struct {
		sync          person.Sync
		after         time.Duration
		stale         bool
		admin, author string // what is in the warning; "" for none
	}{
		"fresh":      {person.Sync{FinishedAt: ago(23 * time.Hour)}, 0, false, "", ""},
		"never read": {person.Sync{}, 0, true, "It is being read now; come back in a few minutes.", "It is being read now"},
		"never, and failing": {
			person.Sync{Problem: "Grant it.", FailingSince: ago(time.Hour), FailedAt: noon},
			0, true,
			"The directory has never been read, so nobody can say who everyone is. Grant it.", "Ask an administrator to look at the Rollout page",
		},
		"a day old":      {person.Sync{FinishedAt: ago(25 * time.Hour)}, 0, true, "last read 25 hours ago: who joined, left or moved since then is not counted. Check that a Fanfare server", "Ask an administrator why it is not read."},
		"a minute old":   {person.Sync{FinishedAt: ago(time.Minute)}, time.Second, true, "last read 1 minute ago", "last read 1 minute ago"},
		"two days":       {person.Sync{FinishedAt: ago(50 * time.Hour)}, 0, true, "last read 2 days ago", "last read 2 days ago"},
		"failing":        {person.Sync{FinishedAt: ago(90 * time.Minute), Problem: "Renew it.", FailingSince: ago(80 * time.Minute), FailedAt: ago(5 * time.Minute)}, 0, false, "has not worked for 75 minutes; what is counted is 90 minutes old. Renew it.", "what is counted is 90 minutes old. Ask an administrator"},
		"failed once":    {person.Sync{FinishedAt: ago(15 * time.Minute), Problem: "Renew it.", FailingSince: noon, FailedAt: noon}, 0, false, "The last reading of the directory failed; what is counted is 15 minutes old. Renew it.", "Ask an administrator"},
		"stale, failing": {person.Sync{FinishedAt: ago(72 * time.Hour), Problem: "Renew it.", FailingSince: ago(71 * time.Hour), FailedAt: noon}, 0, true, "last read 3 days ago: who joined, left or moved since then is not counted. Renew it.", "which says why."},
		"a clock behind": {person.Sync{FinishedAt: noon.Add(time.Hour)}, 0, false, "", ""},
	} {
		f := fresh(t, tc.sync, tc.after, admin)
		if f.Stale != tc.stale {
			t.Errorf("%s: stale %v", name, f.Stale)
		}
		for who, want := range map[string]string{f.Warning(): tc.admin, fresh(t, tc.sync, tc.after, author).Warning(): tc.author} {
			if (want == "") != (who == "") || !strings.Contains(who, want) {
				t.Errorf("%s: %q, want it to say %q", name, who, want)
			}
		}
		if strings.Contains(fresh(t, tc.sync, tc.after, author).Warning(), "Renew") {
			t.Errorf("%s: who cannot mend it is told the cause", name)
		}
	}
}

func TestOnlyWhoHasARoleMayAsk(t *testing.T) {
	t.Parallel()
	s := who.NewService(books{}, 0, time.Now)
	nobody := broadcast.Actor{}
	_, freshness := s.Freshness(t.Context(), nobody)
	_, find := s.Find(t.Context(), nobody, who.Query{})
	_, story := s.Story(t.Context(), nobody, who.ReceiptQuery{})
	for _, err := range []error{freshness, find, story} {
		if !broadcast.IsCode(err, broadcast.Forbidden) {
			t.Errorf("%v", err)
		}
	}
	broken := errors.New("the database is gone")
	if _, err := who.NewService(books{err: broken}, 0, time.Now).Freshness(t.Context(), admin); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
