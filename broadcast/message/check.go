package message

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mistake is what is wrong with a field, in a sentence: "title", "buttons.0.url",
// "variants.de.title".
type Mistake struct{ Field, Words string }

// mistakes collects them; in is the locale of the variant they are in.
type mistakes struct {
	in  string
	all []Mistake
}

func (m *mistakes) add(field, format string, args ...any) {
	m.all = append(m.all, About(m.in, Mistake{field, fmt.Sprintf(format, args...)}))
}

// About is a mistake as that of a variant; of the default it stays as it is.
func About(locale string, m Mistake) Mistake {
	switch locale {
	case "":
		return m
	case InTeam:
		return Mistake{"team." + m.Field, "Post in a team: " + m.Words}
	}
	return Mistake{"variants." + locale + "." + m.Field, "Variant " + locale + ": " + m.Words}
}

// Mistakes lists everything that keeps the message from being sent.
func (m Message) Mistakes(links Links) []Mistake {
	found := mistakes{}
	if m.Title == "" {
		found.add("title", "Give the message a title: it is what people see in the notification.")
	}
	if m.Body == "" && m.ImageURL == "" {
		found.add("body", "Write some text, or add an image.")
	}
	found.all = append(found.all, m.Unfit()...)
	found.image(links, m.ImageURL, m.ImageAlt)
	for i, b := range m.Buttons {
		if b.Title == "" {
			found.add(fmt.Sprintf("buttons.%d.title", i), "Button %d needs a text.", i+1)
		}
		found.address(links, i, b)
	}
	for _, v := range m.Variants {
		found.in = v.Locale
		found.variant(links, v, len(m.Buttons))
	}
	found.in = InTeam
	found.post(m.Post)
	return found.all
}

// variant says what keeps a variant from being sent.
func (m *mistakes) variant(links Links, v Variant, buttons int) {
	if v.Empty() {
		m.add("title", "It says nothing of its own. Write it, or remove it.")
	}
	m.image(links, v.ImageURL, v.ImageAlt)
	for i, b := range v.Buttons {
		if b.URL != "" {
			m.address(links, i, b)
		}
	}
	if len(v.Buttons) > buttons {
		m.add("buttons", "It has %d buttons and the message has %d. Add the others to the message first.", len(v.Buttons), buttons)
	}
}

func (m *mistakes) image(links Links, address, alt string) {
	if address == "" {
		return
	}
	if err := links.Allow(address); err != nil {
		m.add("image_url", "The image's address %s.", err)
	}
	if alt == "" {
		m.add("image_alt", "Describe the image in a few words for people who cannot see it.")
	}
}

func (m *mistakes) address(links Links, i int, b Button) {
	if err := links.Allow(b.URL); err != nil {
		m.add(fmt.Sprintf("buttons.%d.url", i), "The address of button %d %s.", i+1, err)
	}
}

// Unfit lists what even a draft must not have, so that nothing is ever cut off or
// garbled silently: fields over their limit, and variants of no language or of the
// same.
func (m Message) Unfit() []Mistake {
	found := mistakes{}
	found.fields(Variant{Title: m.Title, Body: m.Body, ImageURL: m.ImageURL, ImageAlt: m.ImageAlt, Buttons: m.Buttons})
	if len(m.Variants) > MaxVariants {
		found.add("variants", "There are %d variants; at most %d are kept.", len(m.Variants), MaxVariants)
	}
	for i, v := range m.Variants {
		same := func(as Variant) bool { return as.Locale == v.Locale }
		switch {
		case !IsLocale(v.Locale):
			found.in = ""
			found.add("variants", "%q is no language as the directory writes it. Write it like de, de-AT or pt-BR.", v.Locale)
			continue
		case slices.ContainsFunc(m.Variants[:i], same):
			found.in = ""
			found.add("variants", "There are two variants for %s. Keep one of them.", v.Locale)
		}
		found.in = v.Locale
		found.fields(v)
	}
	found.in = InTeam
	found.fields(Variant{Title: m.Post.Title, Body: m.Post.Body})
	return found.all
}

// fields says which fields are over their limit or no text.
func (m *mistakes) fields(v Variant) {
	check := func(field, name, value string, limit int) {
		if n := utf8.RuneCountInString(value); n > limit {
			m.add(field, "%s is %d characters long; at most %d fit.", name, n, limit)
		}
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			m.add(field, "%s contains characters that are not text. Paste it as plain text.", name)
		}
	}
	check("title", "The title", v.Title, MaxTitle)
	check("body", "The text", v.Body, MaxBody)
	check("image_url", "The image's address", v.ImageURL, MaxURL)
	check("image_alt", "The image's description", v.ImageAlt, MaxImageAlt)
	if len(v.Buttons) > MaxButtons {
		m.add("buttons", "There are %d buttons; Teams shows at most %d.", len(v.Buttons), MaxButtons)
	}
	for i, b := range v.Buttons {
		check(fmt.Sprintf("buttons.%d.title", i), fmt.Sprintf("The text of button %d", i+1), b.Title, MaxButtonTitle)
		check(fmt.Sprintf("buttons.%d.url", i), fmt.Sprintf("The address of button %d", i+1), b.URL, MaxURL)
	}
}
