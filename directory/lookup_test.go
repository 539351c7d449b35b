package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/simulator"
)

func TestWhomTheLedgerHasNotIsFoundByAskingGraph(t *testing.T) {
	t.Parallel()
	s := newStage(t, 300)
	s.sync()
	var keys []string
	want := map[string]broadcast.EntraID{}
	for n := 1; n <= 200; n++ { // two batches
		key := string(person(n))
		if n%2 == 0 {
			p, err := s.st.Person(t.Context(), person(n))
			if err != nil {
				t.Fatal(err)
			}
			key = strings.ToLower(p.UPN)
		}
		keys, want[key] = append(keys, key), person(n)
	}
	strangers := s.with(ledger(t))
	keys = append(keys, "nobody@contoso.com", "o'brien@contoso.com", "00000000-0000-4000-8000-00000000dead")
	before := s.sim.Report().Requests["graph.users"]
	found, err := strangers.LookUp(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for key, id := range want {
		if found[key] != (lists.Match{EntraID: id}) {
			t.Errorf("%s is %+v, want %s", key, found[key], id)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d found, want %d", len(found), len(want))
	}
	t.Logf("%d requests", s.sim.Report().Requests["graph.users"]-before)
}

func TestWhoeverIsFoundIsLearned(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20)
	if _, err := s.LookUp(t.Context(), []string{string(person(3))}); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s.st); len(got) != 1 {
		t.Errorf("stored: %v", got)
	}
}

// answerTo is a batch's answer whose items have these statuses.
func answerTo(bodies ...string) string {
	return `{"responses":[` + strings.Join(bodies, ",") + `]}`
}

const throttledItem = `{"id":"%d","status":429,"headers":{"Retry-After":"0.01"},"body":{"error":{"code":"TooManyRequests","message":"slow down"}}}`

func item(n int, id, upn, mail string) string {
	return fmt.Sprintf(`{"id":"%d","status":200,"headers":{},"body":{"value":[{"id":"%s","displayName":"X","userPrincipalName":"%s","mail":"%s","userType":"Member","accountEnabled":true}]}}`, n, id, upn, mail)
}

func TestOnlyTheThrottledPartOfABatchIsAskedAgain(t *testing.T) {
	t.Parallel()
	keys := make([]string, 14)
	for i := range keys {
		keys[i] = fmt.Sprintf("p%d@contoso.com", i)
	}
	// The second filter is throttled first, and alone in the next batch.
	d, st := scripted(t,
		answerTo(fmt.Sprintf(throttledItem, 1), item(0, string(person(1)), "P0@contoso.com", "")),
		answerTo(item(0, string(person(2)), "x@contoso.com", "P13@contoso.com")))
	found, err := d.LookUp(t.Context(), keys)
	if err != nil || len(found) != 2 || found["p0@contoso.com"].EntraID != person(1) || found["p13@contoso.com"].EntraID != person(2) {
		t.Errorf("%+v, %v", found, err)
	}
	if got := stored(t, st); len(got) != 2 {
		t.Errorf("stored: %v", got)
	}
}

func TestTwoPeopleWithOneMailAreSeveral(t *testing.T) {
	t.Parallel()
	d, _ := scripted(t, `{"responses":[{"id":"0","status":200,"body":{"value":[{"id":"`+string(person(1))+`","mail":"Info@contoso.com"},{"id":"`+string(person(2))+`","mail":"info@contoso.com"}]}}]}`)
	found, err := d.LookUp(t.Context(), []string{"info@contoso.com"})
	if err != nil || !found["info@contoso.com"].Several {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestWhenGraphDoesNotAnswerNobodyIsSaidToBeMissing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"an empty envelope": answerTo(), "refused": answerTo(`{"id":"0","status":403,"body":{"error":{"code":"Authorization_RequestDenied","message":"no"}}}`)} {
		d, _ := scripted(t, answer)
		if found, err := d.LookUp(t.Context(), []string{"ada@contoso.com"}); !broadcast.IsCode(err, broadcast.Conflict) {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	s := newStage(t, 5)
	s.fail(simulator.Fault{Operation: "graph.users", Status: 503})
	if found, err := s.LookUp(t.Context(), []string{"ada@contoso.com"}); !broadcast.IsCode(err, broadcast.Conflict) {
		t.Errorf("%+v, %v", found, err)
	}
}
