package message

import (
	"regexp"
	"slices"
	"strings"
)

// Variant is the message in another language. What it leaves empty is the default's;
// its buttons stand for the default's by their place.
type Variant struct {
	Locale   string // BCP 47, as Locale writes it: "de", "de-AT", "zh-Hans"
	Title    string
	Body     string
	ImageURL string
	ImageAlt string
	Buttons  []Button
}

func (v Variant) button(i int) Button {
	if i >= len(v.Buttons) {
		return Button{}
	}
	return v.Buttons[i]
}

// Empty tells whether it says nothing of its own.
func (v Variant) Empty() bool {
	return v.Title == "" && v.Body == "" && v.ImageURL == "" && v.ImageAlt == "" && len(v.Buttons) == 0
}

// without is the variant without its button i.
func (v Variant) without(i int) Variant {
	if i < len(v.Buttons) {
		v.Buttons = slices.Delete(slices.Clone(v.Buttons), i, i+1)
	}
	return v
}

func trimVariants(all []Variant) []Variant {
	var out []Variant
	for _, v := range all {
		v.Locale, v.Title, v.Body = Locale(v.Locale), oneLine(v.Title), text(v.Body)
		v.ImageURL, v.ImageAlt = strings.TrimSpace(v.ImageURL), strings.TrimSpace(v.ImageAlt)
		var buttons []Button
		for i, b := range v.Buttons {
			if b = b.trimmed(); b != (Button{}) {
				buttons = append(slices.Grow(buttons, i), make([]Button, i-len(buttons))...)
				buttons = append(buttons, b)
			}
		}
		v.Buttons = buttons
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b Variant) int { return strings.Compare(a.Locale, b.Locale) })
	return out
}

// Locale is a locale as it is usually written, whatever somebody typed: "de_at" is
// "de-AT", "ZH-hans" is "zh-Hans".
func Locale(typed string) string {
	parts := strings.Split(strings.ReplaceAll(strings.TrimSpace(typed), "_", "-"), "-")
	for i, p := range parts {
		switch {
		case i == 0 || len(p) > 4:
			parts[i] = strings.ToLower(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		default:
			parts[i] = strings.ToUpper(p)
		}
	}
	return strings.Join(parts, "-")
}

// locale is a language, with a script and a country where they make a difference: what
// directories and Teams know of people, and nothing that could not stand in a field's name.
var locale = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)

// IsLocale tells whether a text is a locale as Locale writes it.
func IsLocale(s string) bool { return locale.MatchString(s) }

// Pick is the locale of the variant for somebody of this language (BCP 47): the very
// one, else that of the language alone; "" for the default. It is asked for every
// person, and costs nothing where there are no variants.
func (m Message) Pick(language string) string {
	if len(m.Variants) == 0 {
		return ""
	}
	for language != "" {
		for _, v := range m.Variants {
			if strings.EqualFold(v.Locale, language) {
				return v.Locale
			}
		}
		language = language[:max(0, strings.LastIndexByte(language, '-'))]
	}
	return ""
}

// Locales is "" for the default, and the locale of every variant; and InTeam, if there is
// a post.
func (m Message) Locales() []string {
	out := []string{""}
	for _, v := range m.Variants {
		out = append(out, v.Locale)
	}
	if m.Post != (Post{}) {
		out = append(out, InTeam)
	}
	return out
}

// In is the message as it is read in a variant's locale, with what that leaves empty
// taken from the default; the default itself in any other. It has no variants.
func (m Message) In(locale string) Message {
	if locale == InTeam {
		return m.Posted("Your team", "Somebody")
	}
	i := slices.IndexFunc(m.Variants, func(v Variant) bool { return v.Locale == locale })
	variants := m.Variants
	m.Post = Post{}
	if m.Variants = nil; i < 0 || locale == "" {
		return m
	}
	v := variants[i]
	m.Title, m.Body, m.ImageAlt = or(v.Title, m.Title), or(v.Body, m.Body), or(v.ImageAlt, m.ImageAlt)
	if v.ImageURL != "" { // the default's words are about another picture
		m.ImageURL, m.ImageAlt = v.ImageURL, v.ImageAlt
	}
	m.Buttons = slices.Clone(m.Buttons)
	for i, b := range m.Buttons {
		own := v.button(i)
		m.Buttons[i] = Button{or(own.Title, b.Title), or(own.URL, b.URL)}
	}
	return m
}

func or(own, general string) string {
	if own != "" {
		return own
	}
	return general
}

// Variant is the variant of a locale; a new one, with nothing in it, if there is none.
func (m Message) Variant(locale string) Variant {
	for _, v := range m.Variants {
		if v.Locale == locale {
			return v
		}
	}
	return Variant{Locale: locale}
}
