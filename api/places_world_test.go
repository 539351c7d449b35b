package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/places"
	"github.com/fanfare/fanfare/simulator"
	"github.com/fanfare/fanfare/store/storetest"
	"github.com/fanfare/fanfare/teams/roster"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// The team the simulator's bot is in, and what else is in Teams.
const (
	berlin      = "19:exampleteam0001@thread.tacv2"
	berlinNews  = "19:examplenews0001@thread.tacv2"
	ops         = "19:exampleops0007@thread.tacv2"
	opsNews     = "19:examplenews0007@thread.tacv2"
	lunch       = "19:0123456789abcdef@thread.v2"
	opsGroup    = "60000000-0000-4000-8000-00000000AB1E"
	bot         = "28:" + simulator.DefaultBotID
	thread      = opsNews + ";messageid=1767323050111"
	otherTenant = "99999999-9999-4999-8999-999999999999"
)

// square is a world in which Teams posts whatever a test writes, with a token of the
// simulator's, and the inbox runs.
type square struct {
	*world
	token  delivery
	url    string // the service URL the token is for
	start  time.Time
	number atomic.Int64
}

// inSquare runs a test in a square of its own on each database.
func inSquare(t *testing.T, f func(t *testing.T, s *square)) {
	t.Helper()
	for _, kind := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorldOn(t, storetest.DSN(t, kind))
			s := &square{world: w, token: w.good(), start: w.clock.Now().Add(-time.Hour)}
			w.posted(1)
			s.url = s.token.field(t, "serviceUrl")
			w.runInbox()
			s.settle()
			f(t, s)
		})
	}
}

func (d delivery) field(t *testing.T, name string) string {
	t.Helper()
	var a map[string]any
	must(t, json.Unmarshal(d.body, &a))
	text, _ := a[name].(string)
	return text
}

// spoken remembers what the bot posted, by path.
type spoken struct {
	http.RoundTripper
	mu    sync.Mutex
	posts []post
}

type post struct{ path, text string }

func (s *spoken) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/activities") {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		var a struct{ Text string }
		if err := json.NewDecoder(body).Decode(&a); err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.posts = append(s.posts, post{r.URL.Path, a.Text})
		s.mu.Unlock()
	}
	return s.RoundTripper.RoundTrip(r)
}

func (s *spoken) all() []post { s.mu.Lock(); defer s.mu.Unlock(); return s.posts }

// who is person n as an activity names them.
func (s *square) who(n int) object {
	return object{"id": fmt.Sprintf("29:person-%d", n), "name": fmt.Sprintf("Person %d", n), "aadObjectId": strings.ToUpper(string(id(n)))}
}

// in is what every activity of a place has (protocol D.3), with fields of its own.
func in(conversation, kind string, data, fields object) object {
	a := object{
		"type": "conversationUpdate", "conversation": object{"isGroup": true, "conversationType": kind, "tenantId": simulator.DefaultTenantID, "id": conversation},
		"recipient": object{"id": bot, "name": "Newsroom"}, "channelData": object{"tenant": object{"id": simulator.DefaultTenantID}},
	}
	maps.Copy(a["channelData"].(object), data)
	maps.Copy(a, fields)
	return a
}

func opsTeam(name string) object {
	return object{"id": ops, "name": name, "aadGroupId": opsGroup}
}

// team is an event of the team Ops as it is called at that time.
func team(eventType, name string, fields object) object {
	data := object{"team": opsTeam(name), "settings": object{"selectedChannel": object{"id": ops}}}
	if eventType != "" {
		data["eventType"] = eventType
	}
	return in(ops, "channel", data, fields)
}

// channel is an event of a channel of the team Ops.
func channel(eventType, id, name string) object {
	data := object{"eventType": eventType, "team": object{"id": ops}, "channel": object{"id": id, "name": name}}
	return in(ops, "channel", data, nil)
}

// botAdded is the bot added to Ops by person 3.
func (s *square) botAdded() object {
	return team("teamMemberAdded", "Ops", object{"membersAdded": []object{{"id": bot}}, "from": s.who(3)})
}

func members(verb string, who ...object) object { return object{verb: who} }

// happens posts an activity that happened n seconds after the start, and waits until
// it was handled.
func (s *square) happens(n int, a object) {
	s.t.Helper()
	s.posts(n, a).ok200(s.t)
	s.settle()
}

// posts posts an activity with the simulator's token.
func (s *square) posts(n int, a object) answer {
	s.t.Helper()
	full := object{
		"id": fmt.Sprintf("f:%d", s.number.Add(1)), "channelId": "msteams", "serviceUrl": s.url, "from": s.who(3),
		"timestamp": s.start.Add(time.Duration(n) * time.Second).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	maps.Copy(full, a)
	raw, err := json.Marshal(full)
	must(s.t, err)
	return s.repost(s.token.authorization, bytes.NewReader(raw))
}

func (a answer) ok200(t *testing.T) {
	t.Helper()
	if a.StatusCode != http.StatusOK || len(a.raw) != 0 {
		t.Fatalf("status %d, want an empty 200: %s", a.StatusCode, a.shown())
	}
}

// settle waits until everything in the inbox was handled.
func (s *square) settle() {
	s.t.Helper()
	db := storetest.SQL(s.t, s.dsn)
	defer func() { _ = db.Close() }()
	eventually(s.t, "the inbox is empty", func() bool {
		var left int
		must(s.t, db.QueryRow(`SELECT count(*) FROM inbox WHERE handled_at = 0`).Scan(&left))
		return left == 0
	})
}

// account is what is known of person n besides any conversation.
func (s *square) account(n int) broadcast.ConversationReference {
	s.t.Helper()
	at, err := s.store.Account(s.t.Context(), id(n))
	if err != nil && !broadcast.IsCode(err, broadcast.NotFound) {
		s.t.Fatal(err)
	}
	return at
}

// known checks that person n is known by account, with nothing claimed.
func (s *square) known(n int) {
	s.t.Helper()
	if want := (broadcast.ConversationReference{ServiceURL: s.url, ChannelAccountID: fmt.Sprintf("29:person-%d", n)}); s.account(n) != want {
		s.t.Errorf("person %d: %+v, want %+v", n, s.account(n), want)
	}
	s.notReachable(n)
}

func (s *square) notReachable(n int) {
	s.t.Helper()
	if at, err := s.store.Address(s.t.Context(), id(n)); !broadcast.IsCode(err, broadcast.NotFound) {
		s.t.Errorf("person %d can be written to at %+v, though only seen (%v)", n, at, err)
	}
}

func (s *square) team(teamID string) places.TeamHit {
	s.t.Helper()
	hit, err := s.store.Team(s.t.Context(), teamID)
	must(s.t, err)
	return hit
}

// channels are Ops' and others' channels that can be written to, as they are labelled.
func (s *square) channels(text string) []string {
	s.t.Helper()
	hits, err := s.places.Channels(s.t.Context(), person(broadcast.RoleAuthor), text, 0)
	must(s.t, err)
	out := []string{}
	for _, h := range hits {
		out = append(out, h.Label())
	}
	return out
}

// read reads rosters until none is due.
func (s *square) read() {
	s.t.Helper()
	r := &places.Reader{
		Wire: roster.Wire{Client: s.teams, TenantID: simulator.DefaultTenantID}, Readings: s.store, Turn: free{}, Now: s.clock.Now, Log: quiet,
	}
	must(s.t, r.Work(s.t.Context(), 20*time.Second))
}
