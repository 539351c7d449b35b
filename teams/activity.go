package teams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Activity is what Teams posts to the bot (protocol D): the fields we read, by
// their wire names. Types and fields we do not know are passed over, as the
// Activity specification asks (A2005, A2006).
type Activity struct {
	Type             string          `json:"type"`
	ID               string          `json:"id"`
	Name             string          `json:"name"`   // of an invoke or event
	Action           string          `json:"action"` // of an installationUpdate
	Timestamp        string          `json:"timestamp"`
	ChannelID        string          `json:"channelId"`
	ServiceURL       string          `json:"serviceUrl"`
	From             Account         `json:"from"`
	Recipient        Account         `json:"recipient"`
	Conversation     Conversation    `json:"conversation"`
	ReplyToID        string          `json:"replyToId"`
	Text             string          `json:"text"`
	TextFormat       string          `json:"textFormat"`
	Locale           string          `json:"locale"`
	LocalTimezone    string          `json:"localTimezone"` // an IANA name
	Value            json.RawMessage `json:"value"`
	MembersAdded     []Account       `json:"membersAdded"`
	MembersRemoved   []Account       `json:"membersRemoved"`
	ReactionsAdded   []Reaction      `json:"reactionsAdded"`
	ReactionsRemoved []Reaction      `json:"reactionsRemoved"`
	Entities         []Entity        `json:"entities"`
	ChannelData      ChannelData     `json:"channelData"`
}

// Entity is something an activity's text is about; of mentions, who is meant.
type Entity struct {
	Type      string  `json:"type"`
	Mentioned Account `json:"mentioned"`
}

// Account is a person or a bot in a conversation. Teams writes the person's
// directory ID as aadObjectId, as objectId, or both (protocol C, "Paged members").
type Account struct {
	ID                string `json:"id"`
	Name              string `json:"name"`
	AADObjectID       string `json:"aadObjectId"`
	ObjectID          string `json:"objectId"`
	Email             string `json:"email"`
	UserPrincipalName string `json:"userPrincipalName"`
	TenantID          string `json:"tenantId"`
	UserRole          string `json:"userRole"`
}

// Conversation is where an activity happened.
type Conversation struct {
	ID               string `json:"id"`
	ConversationType string `json:"conversationType"` // personal, groupChat or channel
	TenantID         string `json:"tenantId"`
	IsGroup          bool   `json:"isGroup"`
	Name             string `json:"name"` // of a group chat
}

// Reaction is an emoji on one of our messages. New types may appear: keep them as text.
type Reaction struct {
	Type string `json:"type"`
}

// ChannelData is what Teams adds to an activity.
type ChannelData struct {
	EventType string `json:"eventType"`
	Tenant    struct {
		ID string `json:"id"`
	} `json:"tenant"`
	Team struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		AADGroupID string `json:"aadGroupId"`
	} `json:"team"`
	Channel struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"channel"`
}

// ParseActivity reads one activity. A field of an unexpected JSON type is left
// empty rather than refused (protocol K.10): what matters is checked where it is
// used, above all in Token.CheckActivity. The error is for the log: the body is not
// a JSON object, or has no type.
func ParseActivity(body []byte) (*Activity, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 || body[0] != '{' {
		return nil, errors.New("the activity is not a JSON object")
	}
	var a Activity
	var mismatch *json.UnmarshalTypeError
	// On a mismatch encoding/json goes on with the other fields and tells at the end.
	if err := json.Unmarshal(body, &a); err != nil && !errors.As(err, &mismatch) {
		return nil, fmt.Errorf("the activity is not valid JSON: %w", err)
	}
	if a.Type == "" {
		return nil, errors.New("the activity has no type")
	}
	return &a, nil
}
