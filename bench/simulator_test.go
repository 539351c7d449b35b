package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

// envSimulated is how many people the simulator has; without it a handful.
const envSimulated = "FANFARE_BENCH_SIMULATED"

// playSimulator is Entra and Graph for the product.
func playSimulator() error {
	o := simulator.DefaultOptions()
	o.People = 4
	if n, err := strconv.Atoi(os.Getenv(envSimulated)); err == nil {
		o.People = n
	}
	sim, err := simulator.New(o)
	if err != nil {
		return err
	}
	painted, err := simulator.Listen(context.Background(), "127.0.0.1:0", sim)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(simulated{painted.URL(), string(sim.CACertPEM())}); err != nil {
		return err
	}
	for range told { // until the harness ends it
	}
	return painted.Close()
}

// simulated is where the simulator is.
type simulated struct{ URL, CA string }

// startSimulator returns the settings of a product that believes in it, and sends
// to the sink.
func startSimulator(t testing.TB, s *sinkProcess) map[string]string {
	t.Helper()
	return simulatorOf(t, s, 4)
}

// simulatorOf has so many people.
func simulatorOf(t testing.TB, s *sinkProcess, people int) map[string]string {
	t.Helper()
	var sim simulated
	if err := json.Unmarshal([]byte(spawn(t, "simulator", map[string]string{envSimulated: strconv.Itoa(people)}).hear()), &sim); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(sim.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(sim.URL)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"FANFARE_TENANT_ID": simulator.DefaultTenantID, "FANFARE_BOT_ID": simulator.DefaultBotID,
		"FANFARE_BOT_SECRET": simulator.DefaultClientSecret, "FANFARE_MANIFEST_ID": simulator.DefaultManifestID,
		"FANFARE_SIGN_IN_CLIENT_ID": simulator.DefaultSignInClientID, "FANFARE_SIGN_IN_SECRET": simulator.DefaultSignInSecret,
		"FANFARE_AUTHORITY_URL": sim.URL, "FANFARE_GRAPH_URL": sim.URL + "/v1.0",
		"FANFARE_CONNECTOR_METADATA_URL": sim.URL + "/v1/.well-known/openidconfiguration",
		"FANFARE_CONNECTOR_URL":          sim.URL + "/teams/",
		"FANFARE_SERVICE_HOSTS":          u.Host, "FANFARE_PLAIN_HTTP_HOSTS": fmt.Sprintf("%s,%s", u.Host, s.address),
		"FANFARE_CA_FILE": ca, "FANFARE_LOG_LEVEL": "warn", "FANFARE_LOG_FORMAT": "text",
	}
}
