// Package shape is how a message travels in JSON of API v1: with names of its own,
// because a field renamed in package broadcast must not break an integrator.
package shape

import (
	"maps"
	"slices"

	"github.com/fanfare/fanfare/broadcast/message"
)

// Image is the picture of a message.
type Image struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// Button opens a link.
type Button struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Variant is the message in another language; what is empty is the message's own.
type Variant struct {
	Title   string   `json:"title,omitempty"`
	Body    string   `json:"body,omitempty"`
	Image   *Image   `json:"image,omitempty"`
	Buttons []Button `json:"buttons,omitempty"`
}

// Post is what a welcome message says in a team; null for nothing.
type Post struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// PostOf is the JSON of a post; nil for none.
func PostOf(m message.Message) *Post {
	if m.Post == (message.Post{}) {
		return nil
	}
	return &Post{m.Post.Title, m.Post.Body}
}

// Variants are a message's, by their locales.
type Variants map[string]Variant

// Into is what the JSON says, as variants of a message.
func (j Variants) Into() []message.Variant {
	var out []message.Variant
	for _, locale := range slices.Sorted(maps.Keys(j)) {
		v := message.Variant{Locale: locale, Title: j[locale].Title, Body: j[locale].Body, Buttons: Buttons(j[locale].Buttons)}
		v.ImageURL, v.ImageAlt = j[locale].Image.parts()
		out = append(out, v)
	}
	return out
}

func (i *Image) parts() (url, alt string) {
	if i == nil {
		return "", ""
	}
	return i.URL, i.Alt
}

// Message is a message of what the JSON says.
func Message(title, body string, image *Image, buttons []Button, variants Variants) message.Message {
	m := message.Message{Title: title, Body: body, Buttons: Buttons(buttons), Variants: variants.Into()}
	m.ImageURL, m.ImageAlt = image.parts()
	return m
}

// Buttons are a message's buttons.
func Buttons(all []Button) (out []message.Button) {
	for _, b := range all {
		out = append(out, message.Button(b))
	}
	return out
}

// ButtonsOf are the JSON of a message's buttons.
func ButtonsOf(all []message.Button) []Button {
	out := []Button{}
	for _, b := range all {
		out = append(out, Button(b))
	}
	return out
}

// ImageOf is the JSON of a picture; nil for none.
func ImageOf(url, alt string) *Image {
	if url == "" && alt == "" {
		return nil
	}
	return &Image{url, alt}
}

// VariantsOf is the JSON of a message's variants.
func VariantsOf(m message.Message) Variants {
	out := Variants{}
	for _, v := range m.Variants {
		out[v.Locale] = Variant{v.Title, v.Body, ImageOf(v.ImageURL, v.ImageAlt), ButtonsOf(v.Buttons)}
	}
	return out
}
