package teams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

// DefaultTimeout is how long one call may take, a second try after a 401 included.
const DefaultTimeout = 30 * time.Second

// Options is what a Client is made of. HTTP, Token, BotID, TenantID, Hosts and
// Composer are required.
type Options struct {
	HTTP     *http.Client // see NewTransport; redirects are never followed
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
		http: straight(o.HTTP), token: o.Token, bot: account{ID: "28:" + o.BotID, Name: o.BotName}, tenant: o.TenantID,
		hosts: o.Hosts, fallback: o.FallbackServiceURL, composer: o.Composer, timeout: o.Timeout, now: o.Now, log: o.Log,
	}, nil
}

// Compose builds the payload; see Composer.Compose.
func (c *Client) Compose(b *broadcast.Broadcast) (broadcast.Payload, error) {
	return c.composer.Compose(b)
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
	url, err := c.at(to, "activities")
	if err != nil {
		return "", err
	}
	body, err := c.do(ctx, call{method: http.MethodPost, url: url, body: activity, posts: true})
	if err != nil {
		return "", err
	}
	var got struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &got) // stored all the same; see Send
	return got.ID, nil
}

// Update replaces a message of ours in place; its ID stays (protocol C.5).
func (c *Client) Update(ctx context.Context, to broadcast.ConversationReference, activityID string, p broadcast.Payload) error {
	url, err := c.at(to, "activities", activityID)
	if err == nil {
		_, err = c.do(ctx, call{method: http.MethodPut, url: url, body: p.Activity})
	}
	return err
}

// Delete takes a message of ours back (protocol C.5).
func (c *Client) Delete(ctx context.Context, to broadcast.ConversationReference, activityID string) error {
	url, err := c.at(to, "activities", activityID)
	if err == nil {
		_, err = c.do(ctx, call{method: http.MethodDelete, url: url})
	}
	return err
}

// at is the address of something in a conversation, on an allowed host.
func (c *Client) at(to broadcast.ConversationReference, segments ...string) (string, error) {
	base, err := c.base(to.ServiceURL)
	if err != nil {
		return "", err
	}
	segments = append([]string{"conversations", to.ConversationID}, segments...)
	if !usable(segments...) {
		return "", unusable(CodeID, "an ID in the address is empty or cannot stand in a path")
	}
	return path(base, segments...), nil
}

// base checks a service URL before any token is fetched (protocol C.8).
func (c *Client) base(serviceURL string) (string, error) {
	if serviceURL == "" {
		serviceURL = c.fallback
	}
	base, err := c.hosts.base(serviceURL)
	if err != nil {
		return "", unusable(CodeHost, err.Error())
	}
	return base, nil
}
