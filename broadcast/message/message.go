package message

import (
	"slices"
	"strings"
)

// Limits of a message. The card's size in bytes is checked on the composed payload,
// because only that knows what Markdown becomes.
const (
	MaxTitle       = 150 // characters
	MaxBody        = 20_000
	MaxImageAlt    = 300
	MaxURL         = 2_000
	MaxButtons     = 6
	MaxButtonTitle = 60
	MaxVariants    = 20
)

// Message is what people will read. Body is Markdown, limited to what Teams renders.
type Message struct {
	Title    string
	Body     string
	ImageURL string
	ImageAlt string
	Buttons  []Button
	Variants []Variant // in other languages, in the order of their locales once Trimmed
	Post     Post      // of a welcome message; empty for none
}

// Button opens a link.
type Button struct {
	Title string
	URL   string
}

func (b Button) trimmed() Button {
	return Button{strings.TrimSpace(b.Title), strings.TrimSpace(b.URL)}
}

// Trimmed is the message without the white space people leave at the edges and
// without buttons of which nobody has written anything, in no language.
func (m Message) Trimmed() Message {
	m.Title, m.Body = oneLine(m.Title), text(m.Body)
	m.ImageURL, m.ImageAlt = strings.TrimSpace(m.ImageURL), strings.TrimSpace(m.ImageAlt)
	m.Variants = trimVariants(m.Variants)
	m.Post = Post{oneLine(m.Post.Title), text(m.Post.Body)}
	var kept []Button
	for _, b := range m.Buttons {
		at := len(kept) // the variants' buttons go by their place
		written := func(v Variant) bool { return v.button(at) != Button{} }
		if b = b.trimmed(); b != (Button{}) || slices.ContainsFunc(m.Variants, written) {
			kept = append(kept, b)
			continue
		}
		for j := range m.Variants {
			m.Variants[j] = m.Variants[j].without(at)
		}
	}
	m.Buttons = kept
	return m
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func text(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// WithoutButton is the message without its button i, in every language.
func (m Message) WithoutButton(i int) Message {
	if i < 0 || i >= len(m.Buttons) {
		return m
	}
	m.Buttons = slices.Delete(slices.Clone(m.Buttons), i, i+1)
	m.Variants = slices.Clone(m.Variants)
	for j := range m.Variants {
		m.Variants[j] = m.Variants[j].without(i)
	}
	return m
}

// print is a message as it goes into a fingerprint: what was added later is left out
// when there is none of it.
type print struct {
	Title    string
	Body     string
	ImageURL string
	ImageAlt string
	Buttons  []Button
	Variants []Variant `json:",omitempty"`
	Post     Post      `json:",omitzero"`
}

// Print is what the fingerprint of a broadcast (its Hash) is made from, for
// encoding/json. A message without variants has the form it had before there were any,
// so that fingerprints stored then still hold.
func (m Message) Print() any { return print(m) }
