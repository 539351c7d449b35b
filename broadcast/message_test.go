package broadcast_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

func fields(p broadcast.Problems) []string {
	var out []string
	for _, e := range p {
		out = append(out, e.Field)
	}
	return out
}

func TestMessageProblemsNameTheField(t *testing.T) {
	t.Parallel()
	good := broadcast.Message{
		Title: "Office closed", Body: "On **Friday**.", ImageURL: "https://cdn.example/x.png", ImageAlt: "The office",
		Buttons: []broadcast.Button{{Title: "More", URL: "https://intranet.example/more"}},
	}
	links := broadcast.Links{PlainHTTP: []string{"127.0.0.1:9443"}}
	if p := good.Problems(links); len(p) > 0 {
		t.Fatalf("a good message has problems: %v", p)
	}
	cases := map[string]struct {
		change func(*broadcast.Message)
		field  string
	}{
		"empty title":          {func(m *broadcast.Message) { m.Title = "  " }, "title"},
		"long title":           {func(m *broadcast.Message) { m.Title = strings.Repeat("ä", broadcast.MaxTitle+1) }, "title"},
		"nothing to read":      {func(m *broadcast.Message) { m.Body, m.ImageURL, m.ImageAlt = "", "", "" }, "body"},
		"not text":             {func(m *broadcast.Message) { m.Body = "a\x00b" }, "body"},
		"image over http":      {func(m *broadcast.Message) { m.ImageURL = "http://cdn.example/x.png" }, "image_url"},
		"image without alt":    {func(m *broadcast.Message) { m.ImageAlt = "" }, "image_alt"},
		"button over http":     {func(m *broadcast.Message) { m.Buttons[0].URL = "http://intranet.example" }, "buttons.0.url"},
		"button runs script":   {func(m *broadcast.Message) { m.Buttons[0].URL = "javascript:alert(1)" }, "buttons.0.url"},
		"button with secrets":  {func(m *broadcast.Message) { m.Buttons[0].URL = "https://me:pw@intranet.example" }, "buttons.0.url"},
		"loopback, not listed": {func(m *broadcast.Message) { m.Buttons[0].URL = "http://127.0.0.1:80/" }, "buttons.0.url"},
		"button without text":  {func(m *broadcast.Message) { m.Buttons[0].Title = "" }, "buttons.0.title"},
		"too many buttons":     {func(m *broadcast.Message) { m.Buttons = slices.Repeat(m.Buttons, 7) }, "buttons"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := good
			m.Buttons = slices.Clone(good.Buttons)
			c.change(&m)
			if got := fields(m.Trimmed().Problems(links)); !slices.Contains(got, c.field) {
				t.Errorf("fields named: %v, want %s", got, c.field)
			}
		})
	}
	good.Buttons[0].URL = "http://127.0.0.1:9443/page"
	if p := good.Problems(links); len(p) > 0 {
		t.Errorf("a listed loopback address is refused: %v", p)
	}
}

func TestTallyAddsUp(t *testing.T) {
	t.Parallel()
	var tally broadcast.Tally
	for i, s := range broadcast.DeliveryStates() {
		tally.Add(s, i+1)
		if tally.Of(s) != i+1 {
			t.Errorf("%s counts %d", s, tally.Of(s))
		}
	}
	if want := 7 * 8 / 2; tally.Total != want || tally.Left()+tally.Done() != want {
		t.Errorf("total %d, left %d, done %d", tally.Total, tally.Left(), tally.Done())
	}
}

func TestReasonsHaveWordsAndRemedies(t *testing.T) {
	t.Parallel()
	for _, r := range broadcast.Reasons() {
		if r.Words() == "" || r.Remedy() == "" {
			t.Errorf("%s has no words or no remedy", r)
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	a, b := broadcast.NewID(now), broadcast.NewID(now.Add(time.Millisecond))
	if a >= b || len(a) != 36 || a[14] != '7' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("not UUIDv7 in order: %s, %s", a, b)
	}
}
