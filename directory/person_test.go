package directory

import (
	"fmt"
	"testing"

	kjson "github.com/microsoft/kiota-serialization-json-go"

	noun "github.com/fanfare/fanfare/broadcast/person"
)

// patchesOf reads a page as Graph sends it.
func patchesOf(t *testing.T, d *Directory, items ...string) []noun.Patch {
	t.Helper()
	var page []*graphPerson
	for _, item := range items {
		node, err := kjson.NewJsonParseNode([]byte(item))
		if err != nil {
			t.Fatal(err)
		}
		p, err := node.GetObjectValue(newPerson)
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, p.(*graphPerson))
	}
	return d.patches(page)
}

func show[T any](v *T) string {
	if v == nil {
		return "absent"
	}
	return fmt.Sprint(*v)
}

func TestWhatIsNotSaidIsNotPatched(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	p := patchesOf(t, d, `{"id":"A","department":"Sales"}`)[0]
	if p.EntraID != "a" || show(p.Department) != "Sales" || show(p.Deleted) != "false" {
		t.Errorf("patch %+v", p)
	}
	if p.Name != nil || p.UPN != nil || p.Mail != nil || p.Guest != nil || p.Enabled != nil || p.Licensed != nil || p.PreferLang != nil {
		t.Errorf("patch %+v says more than Graph did", p)
	}
}

func TestNullClears(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	p := patchesOf(t, d, `{"id":"a","mail":null,"department":null,"assignedPlans":null,"userType":null,"accountEnabled":null}`)[0]
	if show(p.Mail) != "" || show(p.Department) != "" || show(p.Licensed) != "false" {
		t.Errorf("mail %s, department %s, licensed %s: want all cleared", show(p.Mail), show(p.Department), show(p.Licensed))
	}
	if show(p.Guest) != "false" || p.Enabled != nil {
		t.Errorf("guest %s, enabled %s: a null type is an old member, a null account says nothing", show(p.Guest), show(p.Enabled))
	}
}

func TestGuestsAreKnownByTypeOrName(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	for item, want := range map[string]string{
		`{"id":"a","userType":"Guest"}`:  "true",
		`{"id":"a","userType":"guest"}`:  "true",
		`{"id":"a","userType":"Member"}`: "false",
		`{"id":"a","userType":"Member","userPrincipalName":"ada_example.test#EXT#@contoso.example"}`: "true",
		`{"id":"a","userPrincipalName":"ada_example.test#ext#@contoso.example"}`:                     "true",
		`{"id":"a","userPrincipalName":"ada@contoso.example"}`:                                       "absent",
	} {
		if got := show(patchesOf(t, d, item)[0].Guest); got != want {
			t.Errorf("%s: guest %s, want %s", item, got, want)
		}
	}
}

func TestOnlyAnEnabledTeamsPlanIsALicence(t *testing.T) {
	t.Parallel()
	teams := func(id, status string) string {
		return fmt.Sprintf(`{"id":"a","assignedPlans":[{"servicePlanId":"00000000-0000-0000-0000-000000000001","capabilityStatus":"Enabled"},{"servicePlanId":%q,"capabilityStatus":%q,"service":"TeamspaceAPI"}]}`, id, status)
	}
	own := "bed136c6-b799-4462-824d-fc045d3a9d25"
	for _, tc := range []struct {
		plans []string
		item  string
		want  string
	}{
		{nil, teams(TeamsPlans()[0], "Enabled"), "true"},
		{nil, teams("57FF2DA0-773E-42DF-B2AF-FFB7A2317929", "enabled"), "true"},
		{nil, teams(TeamsPlans()[0], "Suspended"), "false"},
		{nil, teams(TeamsPlans()[0], "Deleted"), "false"},
		{nil, teams(own, "Enabled"), "false"},
		{[]string{" " + own}, teams(own, "Enabled"), "true"},
		{[]string{own}, teams(TeamsPlans()[0], "Enabled"), "false"},
		{nil, `{"id":"a","assignedPlans":[]}`, "false"},
		{nil, `{"id":"a"}`, "absent"},
	} {
		if got := show(patchesOf(t, New(Options{Plans: tc.plans}), tc.item)[0].Licensed); got != tc.want {
			t.Errorf("plans %v, %s: licensed %s, want %s", tc.plans, tc.item, got, tc.want)
		}
	}
}

func TestRemovedOfEitherKindIsDeleted(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	for _, reason := range []string{"changed", "deleted"} {
		p := patchesOf(t, d, `{"id":"a","displayName":"Ada","@removed":{"reason":"`+reason+`"}}`)[0]
		if show(p.Deleted) != "true" || p.Name != nil {
			t.Errorf("%s: %+v", reason, p)
		}
	}
}

func TestAPageThatNamesSomebodyTwiceGivesOnePatch(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	got := patchesOf(t, d,
		`{"id":"a","displayName":"Ada","department":"Sales"}`,
		`{"id":"b","@removed":{"reason":"changed"}}`,
		`{}`,
		`{"id":"A","department":"Engineering","accountEnabled":false}`,
		`{"id":"b","displayName":"Ben"}`,
	)
	if len(got) != 2 {
		t.Fatalf("%d patches, want 2", len(got))
	}
	a, b := got[0], got[1]
	if show(a.Name) != "Ada" || show(a.Department) != "Engineering" || show(a.Enabled) != "false" {
		t.Errorf("a: %+v, want what was said first and what was said over it", a)
	}
	if show(b.Deleted) != "false" || show(b.Name) != "Ben" {
		t.Errorf("b: %+v, want somebody who came back", b)
	}
}

func TestGroupsAreNamedByKind(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]string{
		`{"groupTypes":["Unified"],"mailEnabled":true,"securityEnabled":false}`:             "Microsoft 365",
		`{"groupTypes":["Unified","DynamicMembership"]}`:                                    "Microsoft 365, dynamic",
		`{"groupTypes":[],"securityEnabled":true,"mailEnabled":false}`:                      "Security",
		`{"groupTypes":["DynamicMembership"],"securityEnabled":true,"mailEnabled":null}`:    "Security, dynamic",
		`{"groupTypes":[],"securityEnabled":true,"mailEnabled":true}`:                       "Mail-enabled security",
		`{"groupTypes":null,"securityEnabled":false,"mailEnabled":true,"description":null}`: "Distribution list",
	} {
		node, err := kjson.NewJsonParseNode([]byte(item))
		if err != nil {
			t.Fatal(err)
		}
		g, err := node.GetObjectValue(newGroup)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.(*group).kind(); got != want {
			t.Errorf("%s: %s, want %s", item, got, want)
		}
	}
}

func TestGUIDsSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	const id = "0b1ec700-0001-4000-8000-00000000a11c"
	if g, ok := parseGUID("0B1EC700-0001-4000-8000-00000000A11C"); !ok || g.entraID() != id {
		t.Errorf("%v %s", ok, g.entraID())
	}
	for _, bad := range []string{"", "0b1ec700", "0b1ec700-0001-4000-8000-00000000a11", "0b1ec700x0001-4000-8000-00000000a11c", "zb1ec700-0001-4000-8000-00000000a11c"} {
		if _, ok := parseGUID(bad); ok {
			t.Errorf("%q was taken for an ID", bad)
		}
	}
}
