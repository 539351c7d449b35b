package message

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func spoken() Message {
	return Message{
		Title: "Office closed", Body: "On Friday.", ImageURL: "https://cdn.example/x.png", ImageAlt: "The office",
		Buttons: []Button{{"More", "https://intranet.example/en"}, {"Map", "https://intranet.example/map"}},
		Variants: []Variant{
			{Locale: "de", Title: "Büro zu", Body: "Am Freitag.", ImageAlt: "Das Büro", Buttons: []Button{{"Mehr", "https://intranet.example/de"}, {"Karte", ""}}},
			{Locale: "pt-BR", Body: "Na sexta-feira.", ImageURL: "https://cdn.example/br.png", ImageAlt: "O escritório"},
		},
	}
}

// TestEverybodyGetsTheirLanguage: the very one, else that of the language alone, else
// the default.
func TestEverybodyGetsTheirLanguage(t *testing.T) {
	t.Parallel()
	m := spoken()
	m.Variants = append(m.Variants, Variant{Locale: "zh-Hant", Title: "x"}, Variant{Locale: "fr-CA", Title: "x"})
	for language, want := range map[string]string{
		"de": "de", "DE": "de", "de-CH": "de", "de-at": "de", "pt-BR": "pt-BR", "pt-br": "pt-BR", "pt": "", "pt-PT": "",
		"zh-Hant-TW": "zh-Hant", "zh-Hans": "", "fr": "", "fr-ca": "fr-CA", "den": "", "": "", "-": "", "en": "",
	} {
		if got := m.Pick(language); got != want {
			t.Errorf("somebody of %q gets %q, want %q", language, got, want)
		}
	}
	if got := (Message{Title: "x"}).Pick("de"); got != "" {
		t.Errorf("of a message without variants: %q", got)
	}
}

func TestWhatAVariantLeavesEmptyIsTheDefaults(t *testing.T) {
	t.Parallel()
	m := spoken()
	for locale, want := range map[string]Message{
		"": {"Office closed", "On Friday.", "https://cdn.example/x.png", "The office", m.Buttons, nil, Post{}},
		"de": {
			"Büro zu", "Am Freitag.", "https://cdn.example/x.png", "Das Büro",
			[]Button{{"Mehr", "https://intranet.example/de"}, {"Karte", "https://intranet.example/map"}},
			nil,
			Post{},
		},
		"pt-BR": {"Office closed", "Na sexta-feira.", "https://cdn.example/br.png", "O escritório", m.Buttons, nil, Post{}},
		"fr":    {"Office closed", "On Friday.", "https://cdn.example/x.png", "The office", m.Buttons, nil, Post{}},
	} {
		if got := m.In(locale); !reflect.DeepEqual(got, want) {
			t.Errorf("in %q: %+v", locale, got)
		}
	}
	if !reflect.DeepEqual(m, spoken()) {
		t.Error("reading a variant changed the message")
	}
}

// TestAButtonThatGoesTakesItsTranslationsAlong: they go by their place.
func TestAButtonThatGoesTakesItsTranslationsAlong(t *testing.T) {
	t.Parallel()
	m := spoken().WithoutButton(0)
	if got := m.In("de").Buttons; !slices.Equal(got, []Button{{"Karte", "https://intranet.example/map"}}) {
		t.Errorf("%v", got)
	}
	m = spoken()
	m.Buttons = []Button{{}, {" ", ""}, {"More", "https://intranet.example/en"}}
	m.Variants[0].Buttons = []Button{{}, {}, {"Mehr", ""}}
	if got := m.Trimmed().In("de").Buttons; !slices.Equal(got, []Button{{"Mehr", "https://intranet.example/en"}}) {
		t.Errorf("without the empty ones: %v", got)
	}
	m.Variants[0].Buttons = []Button{{}, {"Karte", ""}, {"Mehr", ""}}
	trimmed := m.Trimmed()
	if got := trimmed.In("de").Buttons; !slices.Equal(got, []Button{{"Karte", ""}, {"Mehr", "https://intranet.example/en"}}) {
		t.Errorf("words that only a translation has are lost: %v", got)
	}
	if again := trimmed.Trimmed(); !reflect.DeepEqual(again, trimmed) {
		t.Errorf("trimmed twice it is another: %+v", again)
	}
}

func TestMistakesOfVariantsNameTheField(t *testing.T) {
	t.Parallel()
	if p := spoken().Trimmed().Mistakes(Links{}); len(p) > 0 {
		t.Fatalf("a good message has problems: %v", p)
	}
	for name, c := range map[string]struct {
		change func(*Message)
		field  string
	}{
		"long title":         {func(m *Message) { m.Variants[0].Title = strings.Repeat("ä", MaxTitle+1) }, "variants.de.title"},
		"not text":           {func(m *Message) { m.Variants[0].Body = "a\x00b" }, "variants.de.body"},
		"image over http":    {func(m *Message) { m.Variants[1].ImageURL = "http://cdn.example/x.png" }, "variants.pt-BR.image_url"},
		"own image, no alt":  {func(m *Message) { m.Variants[1].ImageAlt = "" }, "variants.pt-BR.image_alt"},
		"button over http":   {func(m *Message) { m.Variants[0].Buttons[0].URL = "http://x.example" }, "variants.de.buttons.0.url"},
		"more buttons":       {func(m *Message) { m.Buttons = m.Buttons[:1] }, "variants.de.buttons"},
		"says nothing":       {func(m *Message) { m.Variants[0] = Variant{Locale: "de"} }, "variants.de.title"},
		"no language":        {func(m *Message) { m.Variants[0].Locale = "German" }, "variants"},
		"a path":             {func(m *Message) { m.Variants[0].Locale = "../x" }, "variants"},
		"one language twice": {func(m *Message) { m.Variants[1].Locale = "DE" }, "variants"},
		"too many":           {func(m *Message) { m.Variants = slices.Repeat(m.Variants[:1], MaxVariants+1) }, "variants"},
	} {
		m := spoken()
		m.Buttons, m.Variants = slices.Clone(m.Buttons), slices.Clone(m.Variants)
		c.change(&m)
		if got := fields(m.Trimmed().Mistakes(Links{})); !slices.Contains(got, c.field) {
			t.Errorf("%s: fields named: %v, want %s", name, got, c.field)
		}
	}
}

func TestLocalesAreWrittenTheUsualWay(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{" de ": "de", "de_at": "de-AT", "PT-br": "pt-BR", "ZH-hans-cn": "zh-Hans-CN", "es-419": "es-419"} {
		if got := Locale(typed); got != want || !IsLocale(got) {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	m := spoken()
	slices.Reverse(m.Variants)
	m.Variants[1].Locale = "DE"
	if got := m.Trimmed().Locales(); !slices.Equal(got, []string{"", "de", "pt-BR"}) {
		t.Errorf("%q", got)
	}
}

// TestAMessageWithoutVariantsPrintsAsEver: fingerprints of what was approved before
// there were any still hold.
func TestAMessageWithoutVariantsPrintsAsEver(t *testing.T) {
	t.Parallel()
	print := func(m Message) string {
		raw, _ := json.Marshal(m.Print())
		return string(raw)
	}
	m := spoken().In("")
	if got := print(m); got != `{"Title":"Office closed","Body":"On Friday.","ImageURL":"https://cdn.example/x.png","ImageAlt":"The office","Buttons":[{"Title":"More","URL":"https://intranet.example/en"},{"Title":"Map","URL":"https://intranet.example/map"}]}` {
		t.Errorf("%s", got)
	}
	seen := map[string]bool{print(m): true}
	for name, change := range map[string]func(*Variant){
		"nothing": func(*Variant) {}, "locale": func(v *Variant) { v.Locale = "de-AT" }, "title": func(v *Variant) { v.Title += "!" }, "body": func(v *Variant) { v.Body = "" },
		"image": func(v *Variant) { v.ImageURL = "x" }, "alt": func(v *Variant) { v.ImageAlt = "x" }, "button": func(v *Variant) { v.Buttons = nil },
	} {
		m := spoken()
		change(&m.Variants[0])
		if p := print(m); seen[p] {
			t.Errorf("a changed %s keeps the fingerprint: it could be slipped past an approval", name)
		} else {
			seen[p] = true
		}
	}
}

// TestAPostNamesTheTeamAndWhoAddedTheBot, and names stay names whatever Markdown would
// make of them.
func TestAPostNamesTheTeamAndWhoAddedTheBot(t *testing.T) {
	t.Parallel()
	m := spoken()
	m.Post = Post{Title: "News for {team}", Body: "**{added_by}** brought me to {team}."}
	got := m.Posted("R&D *2026*", "Ada [x](https://evil.example)")
	if got.Title != "News for R&D *2026*" || got.Body != `**Ada \[x\]\(https://evil\.example\)** brought me to R\&D \*2026\*.` {
		t.Errorf("%q", got)
	}
	if got.Variants != nil || got.Buttons != nil || got.ImageURL != "" {
		t.Errorf("the post has more than its words: %+v", got)
	}
	if !slices.Equal(m.Locales(), []string{"", "de", "pt-BR", InTeam}) || m.Pick(InTeam) != "" || m.In(InTeam).Title != "News for Your team" || m.In("de").Post != (Post{}) {
		t.Error("a post is looked at like a variant, and is nobody's language")
	}
	m.Post.Title = ""
	if got := fields(m.Trimmed().Mistakes(Links{})); !slices.Contains(got, "team.title") {
		t.Errorf("fields named: %v", got)
	}
	m.Post.Title = strings.Repeat("x", MaxTitle+1)
	if got := fields(m.Trimmed().Unfit()); !slices.Contains(got, "team.title") {
		t.Errorf("fields named: %v", got)
	}
}
