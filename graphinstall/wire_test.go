package graphinstall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/graphinstall"
)

// wire is a Graph of our own making, for what a well-behaved tenant never says.
type wire struct {
	mu      sync.Mutex
	catalog string   // the list the catalogue answers
	app     string   // the only app ID that can be installed
	answer  string   // what a good install answers with
	list    string   // the list of installed apps
	bodies  []string // what was posted
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/appCatalogs/teamsApps"):
		_, _ = io.WriteString(rw, w.catalog)
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		w.bodies = append(w.bodies, string(body))
		if !strings.Contains(string(body), "/teamsApps/"+w.app+`"`) {
			rw.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(rw, `{"error":{"code":"NotFound","message":"No such app."}}`)
			return
		}
		rw.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(rw, w.answer)
	case strings.HasSuffix(r.URL.Path, "/chat"):
		_, _ = io.WriteString(rw, `{}`)
	default:
		_, _ = io.WriteString(rw, w.list)
	}
}

func (w *wire) set(change func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

type staticToken struct{}

func (staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// onWire is a stage whose Graph is w.
func onWire(t *testing.T, w *wire, people int) *stage {
	t.Helper()
	srv := httptest.NewTLSServer(w)
	t.Cleanup(srv.Close)
	g, err := graph.New(graph.Options{Credential: staticToken{}, BaseURL: srv.URL + "/v1.0", Transport: srv.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t}
	s.st = ledger(t, s.now)
	s.options = graphinstall.Options{
		Graph: g, Queue: s.st, ManifestID: "it's", ServiceURL: serviceURL, Workers: 2, HaltFor: time.Hour, Now: s.now,
	}
	s.want(people)
	return s
}

func published(ids ...string) string {
	var apps []string
	for _, id := range ids {
		apps = append(apps, fmt.Sprintf(`{"id":%q,"externalId":"m","distributionMethod":"organization"}`, id))
	}
	return `{"value":[` + strings.Join(apps, ",") + `]}`
}

func TestTheBindingNamesTheCloudAndTheConsent(t *testing.T) {
	t.Parallel()
	w := &wire{catalog: published("app-1"), app: "app-1"}
	s := onWire(t, w, 1)
	s.options.Consent = []string{"ChatMessageReadReceipt.Read.Chat"}
	s.work(s.installer())
	if r := s.rollout(); r.Installed != 1 || len(w.bodies) != 1 {
		t.Fatalf("rollout %+v, bodies %v", r, w.bodies)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(w.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"@odata.type":         "#microsoft.graph.userScopeTeamsAppInstallation",
		"teamsApp@odata.bind": "https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/app-1",
		"consentedPermissionSet": map[string]any{"resourceSpecificPermissions": []any{
			map[string]any{"permissionValue": "ChatMessageReadReceipt.Read.Chat", "permissionType": "application"},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("posted %s", w.bodies[0])
	}
}

func TestWithoutConsentNoneIsSent(t *testing.T) {
	t.Parallel()
	w := &wire{catalog: published("app-1"), app: "app-1", answer: `{"id":"unexpected"}`}
	s := onWire(t, w, 1)
	s.work(s.installer())
	if r := s.rollout(); r.Installed != 1 || strings.Contains(w.bodies[0], "consentedPermissionSet") {
		t.Errorf("rollout %+v, bodies %v", r, w.bodies)
	}
}

func TestASuccessThatMakesNoSenseIsASuccess(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"<html>", `{"id":5}`, `[]`} {
		w := &wire{catalog: published("app-1"), app: "app-1", answer: answer}
		s := onWire(t, w, 1)
		s.work(s.installer())
		if r := s.rollout(); r.Installed != 1 {
			t.Errorf("%s: rollout %+v", answer, r)
		}
	}
}

func TestAnAppPublishedAnewIsFoundAgain(t *testing.T) {
	t.Parallel()
	w := &wire{catalog: published("app-1"), app: "app-1"}
	s := onWire(t, w, 2)
	i := s.installer()
	s.work(i)
	w.set(func(w *wire) { w.catalog, w.app = published("app-2"), "app-2" })
	s.hire(3, 6)
	s.until(i, "everybody installed", func() bool { return s.rollout().Installed == 6 })
}

func TestAnAppTakenFromTheCatalogueHaltsEverybody(t *testing.T) {
	t.Parallel()
	w := &wire{catalog: published("app-1"), app: "app-1"}
	s := onWire(t, w, 2)
	i := s.installer()
	s.work(i)
	w.set(func(w *wire) { w.catalog, w.app = published(), "none" })
	s.hire(3, 30)
	if f := broadcast.AsFault(i.Work(t.Context(), time.Minute)); f.Reason != broadcast.ReasonNoCatalogApp {
		t.Errorf("fault %+v", f)
	}
	if r := s.rollout(); r.Refused != 0 || r.Wanted != 28 || r.Reasons[broadcast.ReasonNoCatalogApp] == 0 {
		t.Errorf("rollout %+v", r)
	}
	w.set(func(w *wire) { w.catalog, w.app = published("app-3"), "app-3" })
	s.pass(2 * time.Hour)
	s.until(i, "everybody installed", func() bool { return s.rollout().Installed == 30 })
}

func TestASideLoadedAppIsNotPublished(t *testing.T) {
	t.Parallel()
	w := &wire{catalog: `{"value":[{"id":"app-1","distributionMethod":"sideloaded"}]}`, app: "app-1"}
	s := onWire(t, w, 1)
	f := broadcast.AsFault(s.installer().Work(t.Context(), time.Minute))
	if f.Reason != broadcast.ReasonNoCatalogApp || !strings.Contains(f.Detail, "side-loaded") || len(w.bodies) != 0 {
		t.Errorf("fault %+v", f)
	}
}

func TestAChatWithoutAnIDIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, list := range []string{`{"value":[]}`, `{"value":[{}]}`, `{"value":[{"id":"x=="}]}`} {
		w := &wire{catalog: published("app-1"), app: "app-1", list: list}
		s := onWire(t, w, 1)
		i := s.installer()
		s.work(i)
		s.pass(time.Minute)
		s.work(i)
		row := s.row(1)
		if row.State != broadcast.InstallationInstalled || row.Attempts != 1 || !row.NotBefore.After(s.now()) {
			t.Errorf("%s: %+v, want installed, and another try later", list, row)
		}
	}
}
