package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// DefaultTimeout is how long one call may take, a second try after a 401 included.
const DefaultTimeout = 30 * time.Second

// Options is what a Client is made of. HTTP, Token, BotID, TenantID, Hosts and
// Composer are required.
type Options struct {
	HTTP *http.Client // see NewTransport; redirects are never followed
	// Wire carries the calls at half of HTTP's cost, wherever no proxy stands in
	// between; nil leaves all of them to HTTP.
	Wire     *Wire
	Token    TokenSource
	BotID    string // Entra app ID of the bot
	BotName  string
	TenantID string
	Hosts    HostList
	// FallbackServiceURL is used for people of whom no activity told one yet
	// (protocol C.8); "" for DefaultServiceURL.
	FallbackServiceURL string
	Composer           *Composer
	Timeout            time.Duration // of one call; 0 for DefaultTimeout
	Now                func() time.Time
	Log                *slog.Logger
}

// Client speaks to the Bot Connector. Every method that calls it fails with a
// *broadcast.Fault. It may be used by many workers at once.
type Client struct {
	http     *http.Client
	wire     *Wire
	places   atlas
	token    TokenSource
	bot      account
	tenant   string
	hosts    HostList
	fallback string
	composer *Composer
	timeout  time.Duration
	now      func() time.Time
	log      *slog.Logger
}

var _ broadcast.Messenger = (*Client)(nil)

// NewClient makes a Client; the error tells the operator what is missing.
func NewClient(o Options) (*Client, error) {
	if o.HTTP == nil || o.Token == nil || o.Composer == nil || o.BotID == "" || o.TenantID == "" {
		return nil, errors.New("the Connector client needs an HTTP client, a token source, a composer, the bot's ID and the tenant's ID")
	}
	if o.FallbackServiceURL == "" {
		o.FallbackServiceURL = DefaultServiceURL
	}
	if err := o.Hosts.Allow(o.FallbackServiceURL); err != nil {
		return nil, fmt.Errorf("the fallback service URL cannot be used: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		http: straight(o.HTTP), wire: o.Wire, token: o.Token, bot: account{ID: "28:" + o.BotID, Name: o.BotName}, tenant: o.TenantID,
		hosts: o.Hosts, fallback: o.FallbackServiceURL, composer: o.Composer, timeout: o.Timeout, now: o.Now, log: o.Log,
	}, nil
}

// Compose builds the payload; see Composer.Compose.
func (c *Client) Compose(b *broadcast.Broadcast, locale string) (broadcast.Payload, error) {
	return c.composer.Compose(b, locale)
}

// Send posts the payload's bytes as they are. The activity ID is empty if Teams
// stored the message but named none.
func (c *Client) Send(ctx context.Context, to broadcast.ConversationReference, p broadcast.Payload) (string, error) {
	return c.post(ctx, to, p.Activity)
}

// Reply posts a short Markdown text into a conversation.
func (c *Client) Reply(ctx context.Context, to broadcast.ConversationReference, text string) error {
	body, err := encode(struct {
		Type       string  `json:"type"`
		From       account `json:"from"`
		Text       string  `json:"text"`
		TextFormat string  `json:"textFormat"`
	}{"message", c.bot, text, "markdown"})
	if err != nil {
		return fmt.Errorf("writing a reply: %w", err)
	}
	_, err = c.post(ctx, to, body)
	return err
}

func (c *Client) post(ctx context.Context, to broadcast.ConversationReference, activity []byte) (string, error) {
	k, err := c.at(to, "activities")
	if err != nil {
		return "", err
	}
	k.method, k.body, k.posts = http.MethodPost, activity, true
	body, err := c.do(ctx, &k)
	if err != nil {
		return "", err
	}
	return idOf(body), nil
}

// idOf reads {"id":"…"}; "" if the answer names none, as the message is stored all
// the same. The shape that is always seen is read without a decoder.
func idOf(body []byte) string {
	if id, ok := bytes.CutPrefix(body, []byte(`{"id":"`)); ok {
		if id, ok = bytes.CutSuffix(id, []byte(`"}`)); ok && !bytes.ContainsFunc(id, notPlain) {
			return string(id)
		}
	}
	var got struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &got)
	return got.ID
}

// notPlain is what means something else within a JSON string.
func notPlain(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }

// Update replaces a message of ours in place; its ID stays (protocol C.5).
func (c *Client) Update(ctx context.Context, to broadcast.ConversationReference, activityID string, p broadcast.Payload) error {
	k, err := c.at(to, "activities", activityID)
	if err == nil {
		k.method, k.body = http.MethodPut, p.Activity
		_, err = c.do(ctx, &k)
	}
	return err
}

// Delete takes a message of ours back (protocol C.5).
func (c *Client) Delete(ctx context.Context, to broadcast.ConversationReference, activityID string) error {
	k, err := c.at(to, "activities", activityID)
	if err == nil {
		k.method = http.MethodDelete
		_, err = c.do(ctx, &k)
	}
	return err
}

// at is a call to something in a conversation, on an allowed host.
func (c *Client) at(to broadcast.ConversationReference, segments ...string) (call, error) {
	p, err := c.place(to.ServiceURL)
	if err != nil {
		return call{}, err
	}
	if !usable(to.ConversationID) || !usable(segments...) {
		return call{}, unusable(CodeID, "an ID in the address is empty or cannot stand in a path")
	}
	return call{to: p, path: path("conversations", to.ConversationID, segments...)}, nil
}

// place checks a service URL before any token is fetched (protocol C.8).
func (c *Client) place(serviceURL string) (*place, error) {
	if serviceURL == "" {
		serviceURL = c.fallback
	}
	if p := c.places.find(serviceURL); p != nil {
		return p, nil
	}
	p, err := c.hosts.place(serviceURL)
	if err != nil {
		return nil, unusable(CodeHost, err.Error())
	}
	p.direct = c.wire != nil && c.wire.reaches(p)
	c.places.keep(serviceURL, p)
	return p, nil
}
