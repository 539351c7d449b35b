package audience

import (
	"slices"
	"strings"
	"testing"
)

const id = "60000000-0000-4000-8000-00000000ab1e"

func TestWhatAnAudienceMayBeMadeOf(t *testing.T) {
	t.Parallel()
	group := Part{Kind: Group, ID: id}
	for name, c := range map[string]struct {
		a  Audience
		ok bool
	}{
		"everyone":             {Of(Part{Kind: Everyone}), true},
		"a group":              {Of(group), true},
		"everyone and more":    {Of(Part{Kind: Everyone}, group), false},
		"everyone but some":    {Audience{Include: []Part{{Kind: Everyone}}, Exclude: []Part{group, {Kind: Person, ID: id}}}, true},
		"an attribute":         {Of(Part{Kind: Attribute, Field: Department, Values: []string{"Sales", "R&D"}}), true},
		"a manager's people":   {Of(Part{Kind: Reports, ID: id}), true},
		"a list":               {Of(Part{Kind: List, ID: id}), true},
		"a file as a list":     {Of(Part{Kind: List, ID: "people.csv"}), false},
		"nobody":               {Audience{}, false},
		"only left out":        {Audience{Exclude: []Part{group}}, false},
		"everyone left out":    {Audience{Include: []Part{group}, Exclude: []Part{{Kind: Everyone}}}, false},
		"a team":               {Of(Part{Kind: Team, ID: "19:exampleteam0001@thread.tacv2"}), true},
		"a channel":            {Of(Part{Kind: Channel, ID: "19:examplenews0001@thread.tacv2"}), true},
		"everyone, a channel":  {Of(Part{Kind: Everyone}, Part{Kind: Channel, ID: "19:examplenews0001@thread.tacv2"}), true},
		"a person's channel":   {Of(Part{Kind: Channel, ID: id}), false},
		"a thread's end":       {Of(Part{Kind: Channel, ID: "19:examplenews0001@thread.tacv2;messageid=1"}), false},
		"a channel left out":   {Audience{Include: []Part{{Kind: Everyone}}, Exclude: []Part{{Kind: Channel, ID: "19:examplenews0001@thread.tacv2"}}}, false},
		"a path as a team":     {Of(Part{Kind: Team, ID: "19:../x@thread.tacv2"}), false},
		"a path as a group":    {Of(Part{Kind: Group, ID: "../users"}), false},
		"a name as a person":   {Of(Part{Kind: Person, ID: "Ada"}), false},
		"an unknown kind":      {Of(Part{Kind: "planet"}), false},
		"an unknown field":     {Of(Part{Kind: Attribute, Field: "salary", Values: []string{"1"}}), false},
		"no value":             {Of(Part{Kind: Attribute, Field: Country}), false},
		"an empty value":       {Of(Part{Kind: Attribute, Field: Country, Values: []string{" "}}), false},
		"a book as a value":    {Of(Part{Kind: Attribute, Field: Country, Values: []string{strings.Repeat("x", 257)}}), false},
		"too many values":      {Of(Part{Kind: Attribute, Field: Country, Values: slices.Repeat([]string{"DE"}, MaxValues+1)}), false},
		"too many parts":       {Audience{Include: slices.Repeat([]Part{group}, MaxParts), Exclude: []Part{group}}, false},
		"as many as there may": {Audience{Include: slices.Repeat([]Part{group}, MaxParts-1), Exclude: []Part{group}}, true},
	} {
		if wrong := c.a.Mistakes(); len(wrong) == 0 != c.ok {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}

func TestAnAudienceReadsAsASentence(t *testing.T) {
	t.Parallel()
	sales, ada := Part{Kind: Group, ID: id, Name: "Sales"}, Part{Kind: Person, ID: id, Name: "Ada"}
	for want, a := range map[string]Audience{
		"Nobody yet": {},
		"Everyone":   Of(Part{Kind: Everyone}),
		"Sales, Department Marketing or R&D except Ada": {
			Include: []Part{sales, {Kind: Attribute, Field: Department, Values: []string{"Marketing", "R&D"}}}, Exclude: []Part{ada},
		},
		"Everyone, Channel Ops › News":   Of(Part{Kind: Everyone}, Part{Kind: Channel, ID: "19:news@thread.tacv2", Name: "Ops › News"}),
		"List Jubilees (214 people)":     Of(Part{Kind: List, ID: id, Name: "Jubilees (214 people)"}),
		"Ada and everybody below, " + id: Of(Part{Kind: Reports, ID: id, Name: "Ada"}, Part{Kind: Group, ID: id}),
	} {
		if got := a.Words(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	a := Audience{Include: []Part{sales, ada, sales, ada}, Exclude: []Part{ada}}
	if got := Of(Part{Kind: List, ID: id, Name: "Redundancies (2 people)"}, ada).Told(2); got != "a list of people, Ada" {
		t.Errorf("recipients are told %q", got)
	}
	if got := a.Told(2); got != "Sales, Ada and 2 more" {
		t.Errorf("recipients are told %q", got)
	}
}

func TestChannelsStandBesidePeople(t *testing.T) {
	t.Parallel()
	news, sales := Part{Kind: Channel, ID: "19:news@thread.tacv2", Name: "Ops › News"}, Part{Kind: Group, ID: id}
	twice := news
	twice.Name = "Ops › Called otherwise since"
	a := Audience{Include: []Part{news, sales, twice}, Exclude: []Part{{Kind: Person, ID: id}}}
	if got := a.Channels(); len(got) != 1 || !got[0].Same(news) {
		t.Errorf("channels %+v", got)
	}
	if got := a.People(); len(got.Include) != 1 || !got.Include[0].Same(sales) || len(got.Exclude) != 1 {
		t.Errorf("people %+v", got)
	}
	if len(a.Include) != 3 {
		t.Error("asking changed the audience")
	}
	for of, want := range map[string]bool{news.ID: true, id: false, "": false} {
		if IsChannel(of) != want {
			t.Errorf("%q", of)
		}
	}
}
