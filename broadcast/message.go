package broadcast

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a message. The card's size in bytes is checked on the composed
// payload (see Payload), because only that knows what Markdown becomes.
const (
	MaxTitle       = 150 // characters
	MaxBody        = 20_000
	MaxImageAlt    = 300
	MaxURL         = 2_000
	MaxButtons     = 6
	MaxButtonTitle = 60
)

// Message is what people will read. Body is Markdown, limited to what Teams renders.
type Message struct {
	Title    string
	Body     string
	ImageURL string
	ImageAlt string
	Buttons  []Button
}

// Button opens a link.
type Button struct {
	Title string
	URL   string
}

// Trimmed is the message without the white space people leave at the edges and
// without buttons whose two fields are both empty.
func (m Message) Trimmed() Message {
	m.Title = strings.Join(strings.Fields(m.Title), " ")
	m.Body = strings.TrimSpace(strings.ReplaceAll(m.Body, "\r\n", "\n"))
	m.ImageURL, m.ImageAlt = strings.TrimSpace(m.ImageURL), strings.TrimSpace(m.ImageAlt)
	var kept []Button
	for _, b := range m.Buttons {
		b = Button{strings.TrimSpace(b.Title), strings.TrimSpace(b.URL)}
		if b != (Button{}) {
			kept = append(kept, b)
		}
	}
	m.Buttons = kept
	return m
}

// Links decides which addresses a message may carry. Everything is https but
// the loopback addresses (host:port) an operator allow-listed.
type Links struct{ PlainHTTP []string }

// Allow tells whether raw may stand in a message: nil, or a sentence why not.
func (l Links) Allow(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("is not a complete address; it should look like https://intranet.example/page")
	case len(raw) > MaxURL:
		return fmt.Errorf("is longer than %d characters", MaxURL)
	case u.User != nil:
		return fmt.Errorf("must not contain a user name or password")
	case u.Scheme == "https", u.Scheme == "http" && slices.Contains(l.PlainHTTP, u.Host):
		return nil
	}
	return fmt.Errorf("must begin with https://, because Teams opens nothing else safely")
}

// Problems lists everything that keeps the message from being sent.
func (m Message) Problems(links Links) Problems {
	var p Problems
	add := func(field, format string, args ...any) {
		p = append(p, &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if m.Title == "" {
		add("title", "Give the message a title: it is what people see in the notification.")
	}
	if m.Body == "" && m.ImageURL == "" {
		add("body", "Write some text, or add an image.")
	}
	p = append(p, m.tooLong()...)
	if m.ImageURL != "" {
		if err := links.Allow(m.ImageURL); err != nil {
			add("image_url", "The image's address %s.", err)
		}
		if m.ImageAlt == "" {
			add("image_alt", "Describe the image in a few words for people who cannot see it.")
		}
	}
	for i, b := range m.Buttons {
		if b.Title == "" {
			add(fmt.Sprintf("buttons.%d.title", i), "Button %d needs a text.", i+1)
		}
		if err := links.Allow(b.URL); err != nil {
			add(fmt.Sprintf("buttons.%d.url", i), "The address of button %d %s.", i+1, err)
		}
	}
	return p
}

// tooLong lists the fields over their limit: the one check that even a draft
// must pass, so that nothing is ever cut off silently.
func (m Message) tooLong() Problems {
	var p Problems
	check := func(field, name, value string, limit int) {
		if n := utf8.RuneCountInString(value); n > limit {
			p = append(p, &Error{Invalid, field, fmt.Sprintf("%s is %d characters long; at most %d fit.", name, n, limit)})
		}
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			p = append(p, &Error{Invalid, field, fmt.Sprintf("%s contains characters that are not text. Paste it as plain text.", name)})
		}
	}
	check("title", "The title", m.Title, MaxTitle)
	check("body", "The text", m.Body, MaxBody)
	check("image_url", "The image's address", m.ImageURL, MaxURL)
	check("image_alt", "The image's description", m.ImageAlt, MaxImageAlt)
	if len(m.Buttons) > MaxButtons {
		p = append(p, &Error{Invalid, "buttons", fmt.Sprintf("There are %d buttons; Teams shows at most %d.", len(m.Buttons), MaxButtons)})
	}
	for i, b := range m.Buttons {
		check(fmt.Sprintf("buttons.%d.title", i), fmt.Sprintf("The text of button %d", i+1), b.Title, MaxButtonTitle)
		check(fmt.Sprintf("buttons.%d.url", i), fmt.Sprintf("The address of button %d", i+1), b.URL, MaxURL)
	}
	return p
}

// Payload is a message composed once for all recipients: the bytes of the
// activity, and its Card alone for previews. Units is its size as Teams counts
// it (UTF-16 bytes, protocol E.4).
type Payload struct {
	Activity []byte
	Card     []byte
	Units    int
}

// Messenger speaks to people's Teams.
type Messenger interface {
	// Compose builds the payload. An *Error says what does not fit.
	Compose(b *Broadcast) (Payload, error)
	// Reply posts a short Markdown text, or a *Fault.
	Reply(ctx context.Context, to ConversationReference, text string) error
}
