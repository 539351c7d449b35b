package shape

import (
	"encoding/json"

	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/store/db"
)

// An empty list of buttons and none stay apart, because the approved hash tells them
// apart. What was added later is left out when there is none of it.
type (
	messageJSON struct {
		Title    string        `json:"title"`
		Body     string        `json:"body"`
		ImageURL string        `json:"image_url"`
		ImageAlt string        `json:"image_alt"`
		Buttons  []buttonJSON  `json:"buttons"`
		Variants []variantJSON `json:"variants,omitempty"`
		Post     postJSON      `json:"post,omitzero"`
	}
	postJSON struct {
		Title string `json:"title"`
		Body  string `json:"body"`
	}
	buttonJSON struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	variantJSON struct {
		Locale   string       `json:"locale"`
		Title    string       `json:"title,omitempty"`
		Body     string       `json:"body,omitempty"`
		ImageURL string       `json:"image_url,omitempty"`
		ImageAlt string       `json:"image_alt,omitempty"`
		Buttons  []buttonJSON `json:"buttons"`
	}
)

// WriteMessage is a message as it is stored.
func WriteMessage(m message.Message) (string, error) {
	j := messageJSON{Title: m.Title, Body: m.Body, ImageURL: m.ImageURL, ImageAlt: m.ImageAlt, Buttons: buttonsOf(m.Buttons), Post: postJSON(m.Post)}
	for _, v := range m.Variants {
		j.Variants = append(j.Variants, variantJSON{v.Locale, v.Title, v.Body, v.ImageURL, v.ImageAlt, buttonsOf(v.Buttons)})
	}
	raw, err := json.Marshal(j)
	return string(raw), err
}

// ReadMessage is a stored message.
func ReadMessage(raw string) (message.Message, error) {
	var j messageJSON
	err := json.Unmarshal([]byte(raw), &j)
	m := message.Message{Title: j.Title, Body: j.Body, ImageURL: j.ImageURL, ImageAlt: j.ImageAlt, Buttons: buttons(j.Buttons), Post: message.Post(j.Post)}
	for _, v := range j.Variants {
		m.Variants = append(m.Variants, message.Variant{
			Locale: v.Locale, Title: v.Title, Body: v.Body, ImageURL: v.ImageURL, ImageAlt: v.ImageAlt, Buttons: buttons(v.Buttons),
		})
	}
	return m, err
}

func buttonsOf(all []message.Button) []buttonJSON {
	return db.Each(all, func(b message.Button) buttonJSON { return buttonJSON(b) })
}

func buttons(all []buttonJSON) []message.Button {
	return db.Each(all, func(b buttonJSON) message.Button { return message.Button(b) })
}
