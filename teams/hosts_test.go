package teams

import (
	"slices"
	"strings"
	"testing"
)

func TestOnlyExactHostsAreAllowed(t *testing.T) {
	t.Parallel()
	list := hostList(t, "smba.trafficmanager.net", " SMBA.infra.gcc.teams.microsoft.com ", "gateway.example:8443", "127.0.0.1:9443", "[::1]:9443", "localhost:9443")
	for _, url := range []string{
		"https://smba.trafficmanager.net/emea/7d1f0c52/", "https://smba.trafficmanager.net/teams", "https://SMBA.TrafficManager.net:443/x/",
		"https://smba.infra.gcc.teams.microsoft.com/teams", "https://gateway.example:8443/", "https://127.0.0.1:9443/emea/",
		"http://127.0.0.1:9443/emea/", "http://[::1]:9443", "http://localhost:9443",
	} {
		if err := list.Allow(url); err != nil {
			t.Errorf("%s is refused: %v", url, err)
		}
	}
	for _, url := range []string{
		"", "smba.trafficmanager.net", "/v3", "http://smba.trafficmanager.net/", "http://gateway.example:8443/", "https://gateway.example/",
		"https://evil.trafficmanager.net/", "https://smba.trafficmanager.net.evil.example/", "https://xsmba.trafficmanager.net/",
		"https://smba.trafficmanager.net./", "https://smba.trafficmanager.net:8443/", "https://smba.trafficmanager.net@evil.example/",
		"https://u:p@smba.trafficmanager.net/", "https://smba.trafficmanager.net/?x=1", "https://smba.trafficmanager.net/#x",
		"http://127.0.0.1:9444/", "http://127.0.0.1/", "http://127.0.0.2:9443/", "ftp://smba.trafficmanager.net/", "https:smba.trafficmanager.net",
		"https://smba.trafficmanager.net\\@evil.example/", "https://evil.example/https://smba.trafficmanager.net/", "\x00",
	} {
		if err := list.Allow(url); err == nil {
			t.Errorf("%q is allowed", url)
		}
	}
	if (HostList{}).Allow("https://smba.trafficmanager.net/") == nil {
		t.Error("an empty list allows something")
	}
}

func TestAHostListNamesEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	bad := []string{"", "*.trafficmanager.net", "https://x.example", "x.example/teams", "u@x.example", "x.example:", "x.example:http", "x y", "x?y"}
	_, err := ParseHostList(append(bad, "good.example"))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, b := range bad {
		if !strings.Contains(err.Error(), `"`+b+`"`) {
			t.Errorf("%q is not named in: %v", b, err)
		}
	}
	if strings.Contains(err.Error(), "good") {
		t.Errorf("a good entry is blamed: %v", err)
	}
}

func TestMicrosoftsHostsAreOnTheDefaultList(t *testing.T) {
	t.Parallel()
	list := hostList(t, DefaultHosts()...)
	for _, url := range []string{ // protocol C.8
		DefaultServiceURL, "https://smba.trafficmanager.net/emea/", "https://smba.infra.gcc.teams.microsoft.com/teams",
		"https://smba.infra.gov.teams.microsoft.us/teams", "https://smba.infra.dod.teams.microsoft.us/teams",
	} {
		if err := list.Allow(url); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(list.Strings(), "smba.trafficmanager.net") || len(list.Strings()) != len(DefaultHosts()) {
		t.Errorf("the printed list is %v", list.Strings())
	}
}
