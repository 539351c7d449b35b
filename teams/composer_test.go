package teams

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testBot = "c0ffee00-1111-4222-8333-444455556666"

func composer(t testing.TB, change ...func(*ComposerOptions)) *Composer {
	t.Helper()
	o := ComposerOptions{BotID: testBot, BotName: "Newsroom", Links: broadcast.Links{PlainHTTP: []string{"127.0.0.1:9443"}}}
	for _, c := range change {
		c(&o)
	}
	c, err := NewComposer(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func announcement() *broadcast.Broadcast {
	return &broadcast.Broadcast{
		ID: "01980000-0000-7000-8000-000000000001", Author: broadcast.ActorRef{Name: "Ada *Author*"},
		Audience: broadcast.InGroups(broadcast.Group{ID: "1", Name: "Sales"}, broadcast.Group{ID: "2", Name: "Berlin_Office"}),
		Message: broadcast.Message{
			Title: "Office closed [Friday]", ImageURL: "https://cdn.example/lift.png", ImageAlt: "A lift under repair",
			Body: goldenBody,
			Buttons: []broadcast.Button{
				{Title: "Read more", URL: "https://intranet.example/closed?a=1&b=2"},
				{Title: "Try it", URL: "http://127.0.0.1:9443/x"},
			},
		},
	}
}

const goldenBody = `# What happened

The **lift** in *Berlin* is [being repaired](https://intranet.example/lift_(1)); see https://status.example/a_b.
Second line, kept as a line.

## What to do

1. Take the stairs
2. Or stay at home:
   - tell your **team**
   - forward the phone
3. Enjoy

> Safety first.
> – Facilities

| Day | Open |
|-----|------|
| Thu | yes  |
| Fri | **no** |

---

` + "```go\nif closed {\n\tgoHome()\n}\n```" + `

<b>not bold</b> & 5 * 3 = 15, snake_case stays
`

func TestComposeWritesTheGoldenCard(t *testing.T) {
	t.Parallel()
	p, err := composer(t, func(o *ComposerOptions) { o.Language = "en" }).Compose(announcement(), "")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, p.Activity, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	const file = "testdata/announcement.golden.json"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the card changed; look at it, then run with -update:\n%s", diff)
	}
}

func TestComposeGivesTheSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	c := composer(t)
	first, err := c.Compose(announcement(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := c.Compose(announcement(), "")
		if err != nil || !bytes.Equal(first.Activity, again.Activity) {
			t.Fatalf("another composition differs (%v)", err)
		}
	}
	if !bytes.Contains(first.Activity, first.Card) {
		t.Error("the preview's card is not the card that is sent")
	}
	if want := 2 * len(utf16.Encode([]rune(string(first.Activity)))); first.Units != want {
		t.Errorf("%d units, want %d", first.Units, want)
	}
}

func TestComposeSendsNoTextBesideTheCard(t *testing.T) {
	t.Parallel()
	p, err := composer(t).Compose(announcement(), "")
	if err != nil {
		t.Fatal(err)
	}
	var a map[string]any
	if err := json.Unmarshal(p.Activity, &a); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"text", "id", "timestamp", "serviceUrl"} { // protocol C.3
		if _, ok := a[field]; ok {
			t.Errorf("the activity has a field %q", field)
		}
	}
	if a["summary"] != "Office closed [Friday]" {
		t.Errorf("the notification says %q", a["summary"])
	}
}

func TestComposeRefusesWhatIsTooLargeAndSaysHowMuch(t *testing.T) {
	t.Parallel()
	b := announcement()
	b.Message.Body = strings.Repeat("😀", 20_000)
	_, err := composer(t).Compose(b, "")
	var e *broadcast.Error
	if !errors.As(err, &e) || e.Code != broadcast.Invalid || e.Field != "body" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"KB", "at most 80.0 KB", "Shorten"} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q does not say %q", e.Message, want)
		}
	}
}

func TestComposeRefusesUnsafeAddresses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://intranet.example/", "javascript:alert(1)", "/page", "https://user:pw@x.example/", "http://127.0.0.1:80/"} {
		b := announcement()
		b.Message.Buttons[1].URL = url
		if _, err := composer(t).Compose(b, ""); err == nil || broadcast.AsError(err).Field != "buttons.1.url" {
			t.Errorf("button %q: %v", url, err)
		}
		b = announcement()
		b.Message.ImageURL = url
		if _, err := composer(t).Compose(b, ""); err == nil || broadcast.AsError(err).Field != "image_url" {
			t.Errorf("image %q: %v", url, err)
		}
	}
}

func TestComposeShowsADraftThatHasOnlyBegun(t *testing.T) {
	t.Parallel()
	p, err := composer(t).Compose(&broadcast.Broadcast{Message: broadcast.Message{Buttons: []broadcast.Button{{}}}}, "")
	if err != nil || !json.Valid(p.Card) {
		t.Fatalf("%s: %v", p.Card, err)
	}
}

func TestNewComposerRefusesLimitsTeamsDoesNotHave(t *testing.T) {
	t.Parallel()
	for _, o := range []ComposerOptions{{}, {BotID: "b", Limit: HardLimit + 1}, {BotID: "b", Limit: -1}} {
		if _, err := NewComposer(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
