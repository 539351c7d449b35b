package teams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/teams/card"
)

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
func payloadOf(from account, summary string, c card.Card) (broadcast.Payload, error) {
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
