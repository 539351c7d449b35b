package teams

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/teams/card"
)

// Sizes of a payload in the unit of broadcast.Payload: UTF-16 bytes (protocol E.4).
// Microsoft's limit is about 100 KB and its advice 80 KB.
const (
	DefaultLimit = 80 << 10
	HardLimit    = 100_000
)

// ComposerOptions is what a Composer is made of.
type ComposerOptions struct {
	BotID    string // Entra app ID of the bot
	BotName  string // as the manifest has it
	Links    broadcast.Links
	Limit    int    // most units of a payload; 0 for DefaultLimit
	Language string // BCP 47, of the card's text; "" says nothing
}

// Composer turns a broadcast's message into the payload everybody gets. It keeps
// nothing between calls and may be used by many at once.
type Composer struct {
	from     account
	links    broadcast.Links
	limit    int
	language string
}

// NewComposer makes a Composer.
func NewComposer(o ComposerOptions) (*Composer, error) {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.BotID == "" {
		return nil, errors.New("composing cards needs the bot's ID")
	}
	if o.Limit < 0 || o.Limit > HardLimit {
		return nil, fmt.Errorf("the card limit is %d bytes; Teams refuses more than %d", o.Limit, HardLimit)
	}
	from := account{ID: "28:" + o.BotID, Name: o.BotName}
	return &Composer{from: from, links: o.Links, limit: o.Limit, language: o.Language}, nil
}

// Compose builds the payload in the locale of a variant, "" for the default: the same
// bytes for the same broadcast. The error is a *broadcast.Error that names the field
// that does not fit. An empty title or image and buttons without any text are left
// out, so that a draft can be looked at.
func (c *Composer) Compose(b *broadcast.Broadcast, locale string) (broadcast.Payload, error) {
	m := b.Message.Trimmed().In(locale)
	image, err := c.image(m)
	if err != nil {
		return broadcast.Payload{}, err
	}
	buttons, err := c.buttons(m)
	if err != nil {
		return broadcast.Payload{}, err
	}
	var body []card.Element
	if m.Title != "" {
		body = append(body, card.Element{Type: "TextBlock", Text: card.Escape(m.Title), Style: "heading", Size: "Large", Weight: "Bolder", Wrap: true})
	}
	body = append(body, image...)
	blocks, _ := card.Render(m.Body, c.opens)
	body = append(body, blocks...)
	body = append(body, buttons...)
	body = append(body, footer(b)...)
	p, err := payloadOf(c.from, m.Title, card.New(c.languageOf(locale), body))
	if err != nil {
		return broadcast.Payload{}, err
	}
	if p.Units > c.limit {
		return broadcast.Payload{}, tooLarge(p.Units, c.limit)
	}
	return p, nil
}

// languageOf is the language a card is in.
func (c *Composer) languageOf(locale string) string {
	if noun.IsLocale(locale) {
		return locale
	}
	return c.language
}

// Notes says, in sentences for the author, what of a body Teams does not show as it
// was written: images among the text, links that do not open, HTML.
func (c *Composer) Notes(body string) []string {
	_, notes := card.Render(strings.TrimSpace(body), c.opens)
	return notes
}

func (c *Composer) opens(target string) bool { return c.links.Allow(target) == nil }

func (c *Composer) image(m broadcast.Message) ([]card.Element, error) {
	if m.ImageURL == "" {
		return nil, nil
	}
	if err := c.links.Allow(m.ImageURL); err != nil {
		return nil, &broadcast.Error{Code: broadcast.Invalid, Field: "image_url", Message: fmt.Sprintf("The image's address %s.", err)}
	}
	return []card.Element{{Type: "Image", URL: m.ImageURL, AltText: m.ImageAlt, Size: "Stretch", MSTeams: &card.MSTeams{AllowExpand: true}}}, nil
}

func (c *Composer) buttons(m broadcast.Message) ([]card.Element, error) {
	var actions []card.Action
	for i, b := range m.Buttons {
		if err := c.links.Allow(b.URL); err != nil {
			return nil, &broadcast.Error{Code: broadcast.Invalid, Field: fmt.Sprintf("buttons.%d.url", i), Message: fmt.Sprintf("The address of button %d %s.", i+1, err)}
		}
		actions = append(actions, card.Action{Type: "Action.OpenUrl", Title: b.Title, URL: b.URL})
	}
	if len(actions) == 0 {
		return nil, nil
	}
	return []card.Element{{Type: "ActionSet", Actions: actions}}, nil
}

// footer says who sent this to whom, and lets the reader ask why: a good
// notification explains itself. The fallback serves clients without Universal
// Actions (protocol D.6).
// audienceShown is how many parts of an audience a card names: it may have a hundred.
const audienceShown = 3

func footer(b *broadcast.Broadcast) []card.Element {
	by := ""
	if b.Author.Name != "" {
		by = " by " + b.Author.Name
	}
	who := card.Element{
		Type: "TextBlock", Text: card.Escape("Sent" + by + " to " + b.Told(audienceShown)),
		Size: "Small", IsSubtle: true, Wrap: true, Spacing: "Medium", Separator: true,
	}
	const title = "Why am I getting this?"
	why := card.Action{
		Type: "Action.Execute", Title: title, Verb: VerbWhy, Data: &actData{BroadcastID: b.ID},
		Fallback: &card.Action{Type: "Action.Submit", Title: title, Data: &actData{Verb: VerbWhy, BroadcastID: b.ID}},
	}
	return []card.Element{who, {Type: "ActionSet", Actions: []card.Action{why}, Spacing: "Small"}}
}

func tooLarge(is, limit int) error {
	return &broadcast.Error{Code: broadcast.Invalid, Field: "body", Message: fmt.Sprintf(
		"The message is %.1f KB as Teams counts it; at most %.1f KB fit. Shorten the text, or put the details on a page and add a button that opens it.",
		float64(is)/1024, float64(limit)/1024)}
}
