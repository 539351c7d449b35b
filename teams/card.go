package teams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"github.com/fanfare/fanfare/broadcast"
)

// The shapes of an Adaptive Card 1.5, as far as we use them. Structs, not maps:
// fields are written in the order of declaration, so equal messages give equal bytes.

type card struct {
	Type    string    `json:"type"`
	Schema  string    `json:"$schema"`
	Version string    `json:"version"`
	Lang    string    `json:"lang,omitempty"`
	MSTeams *msTeams  `json:"msteams,omitempty"`
	Body    []element `json:"body"`
}

type msTeams struct {
	Width       string `json:"width,omitempty"`
	AllowExpand bool   `json:"allowExpand,omitempty"`
}

// element is any element of a card's body; each kind uses some of the fields.
type element struct {
	Type      string    `json:"type"`
	Text      string    `json:"text,omitempty"`
	URL       string    `json:"url,omitempty"`
	AltText   string    `json:"altText,omitempty"`
	Style     string    `json:"style,omitempty"`
	Size      string    `json:"size,omitempty"`
	Weight    string    `json:"weight,omitempty"`
	FontType  string    `json:"fontType,omitempty"`
	IsSubtle  bool      `json:"isSubtle,omitempty"`
	Wrap      bool      `json:"wrap,omitempty"`
	Width     string    `json:"width,omitempty"`
	Spacing   string    `json:"spacing,omitempty"`
	Separator bool      `json:"separator,omitempty"`
	MSTeams   *msTeams  `json:"msteams,omitempty"`
	Items     []element `json:"items,omitempty"`
	Columns   []element `json:"columns,omitempty"`
	Actions   []action  `json:"actions,omitempty"`
}

type action struct {
	Type     string   `json:"type"`
	Title    string   `json:"title"`
	URL      string   `json:"url,omitempty"`
	Verb     string   `json:"verb,omitempty"`
	Data     *actData `json:"data,omitempty"`
	Fallback *action  `json:"fallback,omitempty"`
}

// textBlock is a TextBlock; its text is Markdown and has to be escaped.
func textBlock(markdown string) element {
	return element{Type: "TextBlock", Text: markdown, Wrap: true}
}

// message is the activity we send. It has no text: Teams splits text and attachments
// into two messages and returns no usable ID (protocol C.3).
type message struct {
	Type        string       `json:"type"`
	From        account      `json:"from"`
	Summary     string       `json:"summary"`
	Attachments []attachment `json:"attachments"`
	ChannelData channelData  `json:"channelData"`
}

type account struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type attachment struct {
	ContentType string          `json:"contentType"`
	Content     json.RawMessage `json:"content"`
}

type channelData struct {
	Notification struct {
		Alert bool `json:"alert"`
	} `json:"notification"`
}

// payloadOf wraps a card into the activity that is sent. The summary is what the
// notification says; without it Teams says "Sent a card".
func payloadOf(from account, summary string, c card) (broadcast.Payload, error) {
	cardBytes, err := encode(c)
	if err != nil {
		return broadcast.Payload{}, fmt.Errorf("writing the card: %w", err)
	}
	m := message{Type: "message", From: from, Summary: summary}
	m.Attachments = []attachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: cardBytes}}
	m.ChannelData.Notification.Alert = true
	activity, err := encode(m)
	if err != nil {
		return broadcast.Payload{}, fmt.Errorf("writing the activity: %w", err)
	}
	return broadcast.Payload{Activity: activity, Card: cardBytes, Units: units(activity)}, nil
}

// encode writes JSON without HTML escapes, which would triple the size of < > &.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// units is the size Teams counts: the bytes the payload has in UTF-16 (protocol E.4).
func units(payload []byte) int {
	n := 0
	for _, r := range string(payload) {
		n += 2 * max(1, utf16.RuneLen(r))
	}
	return n
}
