package graphapi

import (
	"testing"
)

func TestFiltersDecideAsOData(t *testing.T) {
	t.Parallel()
	get := func(name string) any {
		return map[string]any{
			"displayName": "O'Hare Office", "accountEnabled": true, "mail": nil, "id": "60000000-0000-4000-8000-000000000001",
			"groupTypes": []string{"Unified"}, "assignedPlans": licensed,
		}[name]
	}
	for text, want := range map[string]bool{
		"":                                true,
		"displayName eq 'o''hare office'": true,
		"displayName ne 'x'":              true,
		"startswith(displayName,'O''H')":  true,
		"startswith(displayName, 'Hare')": false,
		"endswith(displayName,'office')":  true,
		"accountEnabled eq true":          true,
		"accountEnabled eq false":         false,
		"mail eq null":                    true,
		"not (mail eq null)":              false,
		"mail eq null and displayName eq 'x' or accountEnabled eq true":                                 true,
		"mail eq null and (displayName eq 'x' or accountEnabled eq false)":                              false,
		"groupTypes/any(c:c eq 'Unified')":                                                              true,
		"groupTypes/any(c: c eq 'Dynamic')":                                                             false,
		"assignedPlans/any(a:a/servicePlanId eq " + teamsPlan + " and a/capabilityStatus eq 'Enabled')": true,
		"assignedPlans/any(a:a/servicePlanId eq " + teamsPlan + " and a/capabilityStatus eq 'Deleted')": false,
		"id eq '60000000-0000-4000-8000-000000000001'":                                                  true,
	} {
		filter, err := parseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := filter(get); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzFilterNeverPanics(f *testing.F) {
	for _, seed := range []string{"a eq 'b'", "x/any(y:y eq 'z')", "not (", "'", "startswith(a,", "a eq", "((a eq 1) or", "any(", "a/any(:"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if filter, err := parseFilter(text); err == nil {
			filter(func(string) any { return []string{"x"} })
		}
		if search, err := parseSearch(text); err == nil {
			search(func(string) any { return "x" })
		}
	})
}

func TestWrongFiltersAreTold(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"nonsense", "a eq", "a gt 5", "a eq b", "a eq 'x' 'y'", "(a eq 'x'", "any(", "startswith(a 'x')", "soundslike(a,'x')",
		"a/any(x x eq 'y')", "not", "a eq 'x' and",
	} {
		if _, err := parseFilter(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	for _, text := range []string{"sales", `"sales"`, `"`, `displayName:x`} {
		if _, err := parseSearch(text); err == nil {
			t.Errorf("search %q was accepted", text)
		}
	}
}

func TestTheShuffleVisitsEverybodyOnce(t *testing.T) {
	t.Parallel()
	for _, total := range []int{1, 2, 150, 1000, 7919, 7919 * 2, 20_000} {
		seen := make([]bool, total+1)
		for place := range total {
			n := shuffled(place, total)
			if n < 1 || n > total || seen[n] {
				t.Fatalf("of %d: person %d at place %d", total, n, place)
			}
			seen[n] = true
		}
	}
}
