package web

import (
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/web/words"
)

// buttonRow is one row of the buttons' part of the form.
type buttonRow struct {
	I int
	broadcast.Button
	BadTitle, BadURL string
}

// variantPart is the form's part for one other language: the fields of a message, each
// showing what it says if it is left empty.
type variantPart struct {
	message.Variant
	Default broadcast.Message
	Limits  limits
	Open    bool
	bad     broadcast.Problems
}

// Variants are the parts for the languages there are.
func (p editPage) Variants() []variantPart {
	out := make([]variantPart, len(p.Form.Message.Variants))
	for i, v := range p.Form.Message.Variants {
		out[i] = variantPart{Variant: v, Default: p.Form.Message, Limits: p.Limits, bad: p.Problems}
		out[i].Open = p.Form.LookIn == v.Locale || out[i].wrong()
	}
	return out
}

// BlankVariant is the part a language begins with, for the browser to copy.
func (p editPage) BlankVariant() variantPart {
	return variantPart{Variant: message.Variant{Locale: "LOCALE"}, Default: p.Form.Message, Limits: p.Limits, Open: true}
}

// Field is a field's name.
func (v variantPart) Field(name string) string { return "variants." + v.Locale + "." + name }

// Of is the sentence about a field, or "".
func (v variantPart) Of(name string) string { return sentenceAbout(v.bad, v.Field(name)) }

func (v variantPart) wrong() bool {
	for _, e := range v.bad {
		if strings.HasPrefix(e.Field, v.Field("")) {
			return true
		}
	}
	return false
}

// variantButton is one button in another language.
type variantButton struct {
	I          int
	Own, Usual broadcast.Button
	Title, URL string // the fields' names
	BadT, BadU string
}

// Rows are its buttons: one for each of the message's.
func (v variantPart) Rows() []variantButton {
	out := make([]variantButton, max(len(v.Default.Buttons), len(v.Buttons)))
	for i := range out {
		b := variantButton{I: i, Title: v.Field(fmt.Sprintf("buttons.%d.title", i)), URL: v.Field(fmt.Sprintf("buttons.%d.url", i))}
		b.BadT, b.BadU = sentenceAbout(v.bad, b.Title), sentenceAbout(v.bad, b.URL)
		if i < len(v.Default.Buttons) {
			b.Usual = v.Default.Buttons[i]
		}
		if i < len(v.Buttons) {
			b.Own = v.Buttons[i]
		}
		out[i] = b
	}
	return out
}

// BlankButton is a row for the browser to copy.
func (v variantPart) BlankButton() variantButton {
	return variantButton{Title: v.Field("buttons.0.title"), URL: v.Field("buttons.0.url")}
}

// looks are the message as people of each language see it; the first is that of
// everybody else.
func (d *Door) looks(a broadcast.Actor, b *broadcast.Broadcast) ([]look, error) {
	var out []look
	locales := b.Message.Locales()
	for _, locale := range locales {
		l, err := d.lookAt(a, *b, locale)
		if err != nil {
			return nil, err
		}
		l.Named, l.Translated = len(locales) > 1, len(b.Message.Variants) > 0
		out = append(out, l)
	}
	return out, nil
}

// Heading says who sees it like this.
func (l look) Heading() string {
	if l.Locale == "" && !l.Translated {
		return "In people’s own chats"
	}
	return words.Language(l.Locale)
}

// Code is the language's, "" where it is not about one.
func (l look) Code() string {
	if l.Locale == message.InTeam {
		return ""
	}
	return l.Locale
}
