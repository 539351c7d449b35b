package message

import (
	"slices"
	"strings"
	"testing"
)

func fields(p []Mistake) []string {
	var out []string
	for _, e := range p {
		out = append(out, e.Field)
	}
	return out
}

func TestMistakesNameTheField(t *testing.T) {
	t.Parallel()
	good := Message{
		Title: "Office closed", Body: "On **Friday**.", ImageURL: "https://cdn.example/x.png", ImageAlt: "The office",
		Buttons: []Button{{Title: "More", URL: "https://intranet.example/more"}},
	}
	links := Links{PlainHTTP: []string{"127.0.0.1:9443"}}
	if p := good.Mistakes(links); len(p) > 0 {
		t.Fatalf("a good message has problems: %v", p)
	}
	cases := map[string]struct {
		change func(*Message)
		field  string
	}{
		"empty title":          {func(m *Message) { m.Title = "  " }, "title"},
		"long title":           {func(m *Message) { m.Title = strings.Repeat("ä", MaxTitle+1) }, "title"},
		"nothing to read":      {func(m *Message) { m.Body, m.ImageURL, m.ImageAlt = "", "", "" }, "body"},
		"not text":             {func(m *Message) { m.Body = "a\x00b" }, "body"},
		"image over http":      {func(m *Message) { m.ImageURL = "http://cdn.example/x.png" }, "image_url"},
		"image without alt":    {func(m *Message) { m.ImageAlt = "" }, "image_alt"},
		"button over http":     {func(m *Message) { m.Buttons[0].URL = "http://intranet.example" }, "buttons.0.url"},
		"button runs script":   {func(m *Message) { m.Buttons[0].URL = "javascript:alert(1)" }, "buttons.0.url"},
		"button with secrets":  {func(m *Message) { m.Buttons[0].URL = "https://me:pw@intranet.example" }, "buttons.0.url"},
		"loopback, not listed": {func(m *Message) { m.Buttons[0].URL = "http://127.0.0.1:80/" }, "buttons.0.url"},
		"button without text":  {func(m *Message) { m.Buttons[0].Title = "" }, "buttons.0.title"},
		"too many buttons":     {func(m *Message) { m.Buttons = slices.Repeat(m.Buttons, 7) }, "buttons"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := good
			m.Buttons = slices.Clone(good.Buttons)
			c.change(&m)
			if got := fields(m.Trimmed().Mistakes(links)); !slices.Contains(got, c.field) {
				t.Errorf("fields named: %v, want %s", got, c.field)
			}
		})
	}
	good.Buttons[0].URL = "http://127.0.0.1:9443/page"
	if p := good.Mistakes(links); len(p) > 0 {
		t.Errorf("a listed loopback address is refused: %v", p)
	}
}
