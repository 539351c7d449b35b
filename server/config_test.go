package server_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/server"
)

var update = flag.Bool("update", false, "rewrite the configuration table in README.md")

// whole is a configuration that is right.
func whole() map[string]string {
	return map[string]string{
		"FANFARE_PUBLIC_URL": "https://fanfare.example.com", "FANFARE_TENANT_ID": "7d1f0c52-2c11-4a57-9e59-3f0a5a0be001",
		"FANFARE_BOT_ID": "c0ffee00-1111-4222-8333-444455556666", "FANFARE_MANIFEST_ID": "5eed0000-aaaa-4bbb-8ccc-0123456789ab",
		"FANFARE_BOT_SECRET": "hush-hush",
	}
}

func read(env map[string]string) (server.Config, error) {
	return server.ReadConfig(func(name string) string { return env[name] })
}

func TestConfigurationOfTheReadmeIsEnough(t *testing.T) {
	t.Parallel()
	c, err := read(whole())
	if err != nil {
		t.Fatal(err)
	}
	if c.SignInSecret != "hush-hush" || c.SignInClientID != c.BotID || c.Credential.Tenant != c.TenantID || c.ConnectorRate != 47 {
		t.Errorf("usual values are not filled in: %+v", c)
	}
}

func TestEveryMistakeIsToldAtOnce(t *testing.T) {
	t.Parallel()
	env := whole()
	env["FANFARE_PUBLIC_URL"] = "http://fanfare.example.com"
	env["FANFARE_TENANT_ID"] = "contoso"
	env["FANFARE_BOT_SECRET"] = ""
	env["FANFARE_CONNECTOR_RATE"] = "fast"
	env["FANFARE_LISTEN"] = "8080"
	env["FANFARE_SERVICE_HOSTS"] = "*.trafficmanager.net"
	env["FANFARE_PLAIN_HTTP_HOSTS"] = "10.0.0.1:80"
	env["FANFARE_CA_FILE"] = filepath.Join(t.TempDir(), "none.pem")
	delete(env, "FANFARE_MANIFEST_ID")
	_, err := read(env)
	if err == nil {
		t.Fatal("a configuration full of mistakes is taken")
	}
	for _, name := range []string{
		"FANFARE_PUBLIC_URL", "FANFARE_TENANT_ID", "FANFARE_CONNECTOR_RATE", "FANFARE_LISTEN", "FANFARE_SERVICE_HOSTS",
		"FANFARE_PLAIN_HTTP_HOSTS", "FANFARE_CA_FILE", "FANFARE_MANIFEST_ID", "FANFARE_BOT_CREDENTIAL",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the mistake in %s is not told", name)
		}
	}
}

func TestNoStartWithoutBotAuthentication(t *testing.T) {
	t.Parallel()
	env := whole()
	delete(env, "FANFARE_BOT_SECRET")
	env["FANFARE_SIGN_IN_SECRET"] = "x"
	var out, errs bytes.Buffer
	if code := server.Main([]string{"serve"}, func(n string) string { return env[n] }, &out, &errs); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "the bot cannot authenticate") {
		t.Errorf("it does not say why: %s", errs.String())
	}
}

func TestLoopbackMayBePlainHTTPOnlyWhereNamed(t *testing.T) {
	t.Parallel()
	env := whole()
	env["FANFARE_PUBLIC_URL"], env["FANFARE_GRAPH_URL"] = "http://127.0.0.1:8080", "http://localhost:9/v1.0"
	if _, err := read(env); err != nil {
		t.Errorf("loopback addresses are refused: %v", err)
	}
	env["FANFARE_GRAPH_URL"] = "http://graph.microsoft.com/v1.0"
	if _, err := read(env); err == nil {
		t.Error("plain http to another machine is taken")
	}
}

func TestSecretsComeFromFilesAndAreMasked(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := whole()
	env["FANFARE_DATABASE"] = "postgres://fanfare:pass-word@db/fanfare"
	env["FANFARE_BOT_SECRET"], env["FANFARE_BOT_SECRET_FILE"] = "", file
	var out, errs bytes.Buffer
	if code := server.Main([]string{"config"}, func(n string) string { return env[n] }, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	for _, secret := range []string{"from-a-file", "pass-word"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			t.Errorf("%q is printed", secret)
		}
	}
	for _, want := range []string{"FANFARE_DATABASE=postgres://fanfare:", "@db/fanfare", "FANFARE_BOT_SECRET=********"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, out.String())
		}
	}
	env["FANFARE_BOT_SECRET"] = "and-here-too"
	if _, err := read(env); err == nil || strings.Contains(err.Error(), "and-here-too") {
		t.Errorf("two places for one secret: %v", err)
	}
}

func TestCommandsExplainThemselves(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	for _, args := range [][]string{{"-h"}, {"serve", "-h"}, {"migrate", "-h"}, {"config", "-h"}, {"version", "-h"}, {"version"}} {
		var out, errs bytes.Buffer
		if code := server.Main(args, none, &out, &errs); code != 0 || out.Len() == 0 {
			t.Errorf("%v: exit code %d, %d bytes of help: %s", args, code, out.Len(), errs.String())
		}
	}
	for _, args := range [][]string{{}, {"fly"}, {"serve", "now"}, {"serve", "-x"}} {
		var out, errs bytes.Buffer
		if code := server.Main(args, none, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
		}
	}
}

func TestReadmeListsEverySetting(t *testing.T) {
	const file, from, to = "../README.md", "<!-- settings: begin -->\n", "<!-- settings: end -->"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), from)
	got, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("README.md has no place for the settings")
	}
	want := server.SettingsTable()
	if *update {
		if err := os.WriteFile(file, []byte(head+from+want+to+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Error("README.md does not list the settings; run: go test ./server -run Readme -update")
	}
}
