package card

// Card is an Adaptive Card. The shapes here are those of version 1.5, the newest
// Teams draws (protocol E.4), as far as we use them. They are structs, not maps:
// fields are written in the order of declaration, so equal cards give equal bytes.
type Card struct {
	Type    string    `json:"type"`
	Schema  string    `json:"$schema"`
	Version string    `json:"version"`
	Lang    string    `json:"lang,omitempty"`
	MSTeams *MSTeams  `json:"msteams,omitempty"`
	Body    []Element `json:"body"`
}

// New is a card over the full width of a chat; lang is BCP 47, or "".
func New(lang string, body []Element) Card {
	return Card{
		Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Version: "1.5",
		Lang: lang, MSTeams: &MSTeams{Width: "Full"}, Body: body,
	}
}

// MSTeams is what only Teams understands of a card or an image.
type MSTeams struct {
	Width       string `json:"width,omitempty"`
	AllowExpand bool   `json:"allowExpand,omitempty"`
}

// Element is any element of a card's body; each kind uses some of the fields.
type Element struct {
	Type      string    `json:"type"`
	Text      string    `json:"text,omitempty"` // Teams' Markdown: see Escape
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
	MSTeams   *MSTeams  `json:"msteams,omitempty"`
	Items     []Element `json:"items,omitempty"`
	Columns   []Element `json:"columns,omitempty"`
	Actions   []Action  `json:"actions,omitempty"`
}

// Action is a button.
type Action struct {
	Type     string  `json:"type"`
	Title    string  `json:"title"`
	URL      string  `json:"url,omitempty"`
	Verb     string  `json:"verb,omitempty"`
	Data     any     `json:"data,omitempty"`
	Fallback *Action `json:"fallback,omitempty"`
}

func textBlock(markdown string) Element {
	return Element{Type: "TextBlock", Text: markdown, Wrap: true}
}
