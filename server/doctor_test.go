package server_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/server"
	"github.com/fanfare/fanfare/setup"
	"github.com/fanfare/fanfare/simulator"
)

// run is the program called with arguments, in this process.
func (w *world) run(args ...string) (code int, out, errs string) {
	w.t.Helper()
	var o, e bytes.Buffer
	code = server.Main(args, func(name string) string { return w.env[name] }, &o, &e)
	for _, secret := range []string{simulator.DefaultClientSecret, simulator.DefaultSignInSecret, "eyJ", "hush"} {
		if strings.Contains(o.String()+e.String(), secret) {
			w.t.Errorf("%v tells a secret:\n%s%s", args, o.String(), e.String())
		}
	}
	return code, o.String(), e.String()
}

// doctor is what `fanfare doctor -json` finds, by the checks' names.
func (w *world) doctor() (int, map[string]setup.AnswerResult) {
	w.t.Helper()
	code, out, errs := w.run("doctor", "-json")
	var a setup.Answer
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		w.t.Fatalf("%v: %s%s", err, out, errs)
	}
	if a.Sound != (code == 0) {
		w.t.Errorf("exit status %d, sound is %v", code, a.Sound)
	}
	byName := map[string]setup.AnswerResult{}
	for _, r := range a.Results {
		byName[r.Name] = r
	}
	return code, byName
}

func TestTheDoctorFindsAServerThatRunsWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres", nil)
	w.serve()
	code, found := w.doctor()
	if code != 0 {
		t.Errorf("exit status %d", code)
	}
	for name, want := range map[string]setup.State{
		"bot_endpoint": setup.OK, "database": setup.OK, "migrations": setup.OK, "clock_microsoft": setup.OK, "clock_database": setup.OK, "credential": setup.OK,
		"consent": setup.OK, "sign_in": setup.OK, "graph_users": setup.OK, "graph_groups": setup.OK, "graph_members": setup.OK, "graph_channels": setup.OK,
		"graph_catalogue": setup.OK, "graph_installations": setup.OK, "connector_token": setup.OK, "connector_keys": setup.OK, "catalogue": setup.OK,
		"public_url": setup.Warning, "certificate": setup.Warning, "package": setup.Warning, "service_hosts": setup.Warning, // a trial on one machine
		"credential_end": setup.Unknown, "reachable": setup.Unknown,
	} {
		if got := found[name]; got.State != want {
			t.Errorf("%s is %s, want %s: %s", name, got.State, want, got.Cause)
		}
	}
	// The page and the API find the same, from inside.
	var inside setup.Answer
	w.must(http.StatusOK, "admin", "GET", "/setup", nil, &inside)
	for _, r := range inside.Results {
		if r.State != found[r.Name].State {
			t.Errorf("%s is %s inside and %s outside", r.Name, r.State, found[r.Name].State)
		}
	}
	if a := w.call("author", "GET", "/setup", nil); a.status != http.StatusForbidden {
		t.Errorf("an author got %d", a.status)
	}
}

func TestTheDoctorTellsWhatIsWrongInATable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	w.env["FANFARE_DATABASE"] = "sqlite:" + filepath.Join(t.TempDir(), "none.db")
	w.env["FANFARE_BOT_SECRET"], w.env["FANFARE_MANIFEST_ID"] = "hush-hush-hush", "5eed0000-aaaa-4bbb-8ccc-00000000dead"
	code, out, errs := w.run("doctor")
	if code != 1 || !strings.Contains(errs, "checks failed") {
		t.Errorf("exit status %d: %s", code, errs)
	}
	for _, want := range []string{
		"Entra ID\n", "  FAILED   The bot’s credential", "AADSTS7000215", "→ Put the secret’s value", "There is no SQLite file", "Nobody answers at " + w.base, "cannot be known from here",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if _, err := os.Stat(strings.TrimPrefix(w.env["FANFARE_DATABASE"], "sqlite:")); err == nil {
		t.Error("looking made a database")
	}
}

func TestTheDoctorLooksAtWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	stop := w.serve()
	stop()
	w.env["FANFARE_MANIFEST_ID"] = "5eed0000-aaaa-4bbb-8ccc-00000000dead"
	code, found := w.doctor()
	if code != 1 || found["catalogue"].State != setup.Failed || found["database"].State != setup.OK || found["bot_endpoint"].State != setup.Failed {
		t.Errorf("exit status %d: %+v", code, found)
	}
}

func TestTheDoctorCannotLookIntoAFileThatIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	w.serve()()
	w.spawn()
	code, found := w.doctor()
	if code != 0 || found["database"].State != setup.Unknown || !strings.Contains(found["database"].Cause, "Another Fanfare process") || found["bot_endpoint"].State != setup.OK {
		t.Errorf("exit status %d: %+v", code, found["database"])
	}
}

func TestTheDoctorKnowsADatabaseThatIsNotMigrated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	w.env["FANFARE_DATABASE"] = "sqlite:" + file(t, "empty.db", nil)
	if code, found := w.doctor(); code != 1 || found["database"].State != setup.OK || found["migrations"].State != setup.Failed {
		t.Errorf("exit status %d: %+v %+v", code, found["database"], found["migrations"])
	}
	w.env["FANFARE_DATABASE"] = "postgres://fanfare:hush@127.0.0.1:1/none"
	if code, found := w.doctor(); code != 1 || found["database"].State != setup.Failed || found["sign_in"].State != setup.OK {
		t.Errorf("exit status %d: %+v", code, found["database"])
	}
}

func TestTheDoctorReadsTheEndOfACertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	delete(w.env, "FANFARE_BOT_SECRET")
	w.env["FANFARE_BOT_CERTIFICATE_FILE"] = certificate(t) // ends within the hour
	_, found := w.doctor()
	if found["credential"].State != setup.OK || found["credential_end"].State != setup.Warning || !strings.Contains(found["credential_end"].Cause, "The certificate ends on") {
		t.Errorf("%+v %+v", found["credential"], found["credential_end"])
	}
}

func TestThePackageIsOfTheConfiguredApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", nil)
	file := filepath.Join(t.TempDir(), "app.zip")
	if code, _, errs := w.run("package", "-out", file); code != 1 || !strings.Contains(errs, "https://") {
		t.Errorf("a package for an address on this machine: %d %s", code, errs)
	}
	w.env["FANFARE_PUBLIC_URL"], w.env["FANFARE_APP_NAME"], w.env["FANFARE_APP_VERSION"] = "https://news.example.com", "Newsroom", "2.1.0"
	code, out, errs := w.run("package", "-out", file)
	if code != 0 || !strings.Contains(out, "version 2.1.0 of “Newsroom”") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	in, err := z.Open("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		ID   string
		Name struct{ Short string }
		Bots []struct{ BotID string }
		App  struct{ ID string } `json:"webApplicationInfo"`
		Auth struct {
			Permissions struct{ ResourceSpecific []struct{ Name string } }
		} `json:"authorization"`
	}
	if err := json.NewDecoder(in).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.ID != simulator.DefaultManifestID || m.Bots[0].BotID != simulator.DefaultBotID || m.App.ID != simulator.DefaultBotID || m.Name.Short != "Newsroom" {
		t.Errorf("manifest %+v", m)
	}
	if rsc := m.Auth.Permissions.ResourceSpecific; len(rsc) != 1 || rsc[0].Name != "ChatMessageReadReceipt.Read.Chat" {
		t.Errorf("consent %v", rsc)
	}
	again, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, _ := w.run("package", "-out", "-"); code != 0 || out != string(again) {
		t.Error("the same app made other bytes")
	}
}

func TestEveryMistakeOfTheAppIsToldAtOnce(t *testing.T) {
	t.Parallel()
	env := whole()
	env["FANFARE_APP_NAME"] = strings.Repeat("x", 31)
	env["FANFARE_APP_DESCRIPTION"] = strings.Repeat("x", 81)
	env["FANFARE_APP_ACCENT"] = "blue"
	env["FANFARE_APP_VERSION"] = "one"
	env["FANFARE_APP_PRIVACY_URL"] = "http://example.com"
	env["FANFARE_APP_COLOR_ICON_FILE"] = file(t, "icon.png", []byte("no image"))
	env["FANFARE_APP_OUTLINE_ICON_FILE"] = filepath.Join(t.TempDir(), "none.png")
	_, err := read(env)
	if err == nil {
		t.Fatal("an app full of mistakes is taken")
	}
	for _, name := range []string{"NAME", "DESCRIPTION", "ACCENT", "VERSION", "PRIVACY_URL", "COLOR_ICON_FILE", "OUTLINE_ICON_FILE"} {
		if !strings.Contains(err.Error(), "FANFARE_APP_"+name+" ") {
			t.Errorf("the mistake in %s is not told: %v", name, err)
		}
	}
	env = whole()
	env["FANFARE_RSC_PERMISSIONS"] = "none"
	if _, err := read(env); err != nil {
		t.Errorf("no consent: %v", err)
	}
}
