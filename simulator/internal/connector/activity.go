package connector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// parseCache keeps the last parsed bodies: a fan-out sends the same bytes to
// everybody, and all chats then share one activity.
type parseCache struct {
	mu     sync.RWMutex
	byHash map[[sha256.Size]byte]*tenant.Activity
}

// cacheSize is small: a few broadcasts run at a time.
const cacheSize = 256

func (p *parseCache) parse(body []byte) (*tenant.Activity, error) {
	key := sha256.Sum256(body)
	p.mu.RLock()
	a := p.byHash[key]
	p.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	a, err := parse(body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.byHash[key]; first != nil {
		return first, nil
	}
	if p.byHash == nil || len(p.byHash) >= cacheSize {
		p.byHash = map[[sha256.Size]byte]*tenant.Activity{}
	}
	p.byHash[key] = a
	return a, nil
}

type attachment struct {
	ContentType string          `json:"contentType"`
	ContentURL  string          `json:"contentUrl"`
	Content     json.RawMessage `json:"content"`
}

const adaptive = "application/vnd.microsoft.card.adaptive"

// parse reads an activity and refuses what Teams refuses.
func parse(body []byte) (*tenant.Activity, error) {
	var in struct {
		Type        string          `json:"type"`
		Text        string          `json:"text"`
		Summary     string          `json:"summary"`
		Attachments json.RawMessage `json:"attachments"`
		ChannelData struct {
			BroadcastID string `json:"broadcastId"`
		} `json:"channelData"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("the activity is not valid JSON: %w", err)
	}
	if in.Type == "" {
		return nil, fmt.Errorf("the activity has no type")
	}
	a := &tenant.Activity{Type: in.Type, Text: in.Text, Summary: in.Summary, Broadcast: in.ChannelData.BroadcastID}
	if len(in.Attachments) == 0 || bytes.Equal(in.Attachments, []byte("null")) {
		if in.Type == "message" && strings.TrimSpace(in.Text) == "" {
			return nil, fmt.Errorf("the message has neither text nor attachments")
		}
		return a, nil
	}
	var attachments []attachment
	if err := json.Unmarshal(in.Attachments, &attachments); err != nil {
		return nil, fmt.Errorf("attachments are not a list: %w", err)
	}
	for i, att := range attachments {
		card, err := att.card()
		if err != nil {
			return nil, fmt.Errorf("attachment %d: %w", i, err)
		}
		if card != nil {
			a.Cards = append(a.Cards, card)
		}
	}
	if a.Broadcast == "" && len(attachments) > 0 {
		a.Broadcast = key(in.Attachments)
	}
	return a, nil
}

// named is how a card names its broadcast in the data of an action.
var named = regexp.MustCompile(`"broadcastId"\s*:\s*"([^"\\]+)"`)

// key tells copies of different broadcasts apart: by the ID that a card names,
// else by its content.
func key(attachments []byte) string {
	if found := named.FindSubmatch(attachments); found != nil {
		return string(found[1])
	}
	sum := sha256.Sum256(attachments)
	return "sha256:" + hex.EncodeToString(sum[:8])
}

func (att attachment) card() (json.RawMessage, error) {
	if att.ContentType == "" {
		return nil, fmt.Errorf("contentType is missing")
	}
	if att.ContentType != adaptive {
		return nil, nil
	}
	var card struct {
		Type    string `json:"type"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(att.Content, &card); err != nil || card.Type != "AdaptiveCard" || card.Version == "" {
		return nil, fmt.Errorf("the content is not an Adaptive Card")
	}
	return bytes.Clone(att.Content), nil
}

// maxUTF16 is the limit of a message in bytes of UTF-16 (protocol E.4).
const maxUTF16 = 100 << 10

// tooBig measures a JSON body as Teams does: two bytes for each UTF-16 unit,
// an escape counting as the one character it stands for.
func tooBig(body []byte) bool {
	if len(body)*2 <= maxUTF16 {
		return false
	}
	units := 0
	for i := 0; i < len(body); units++ {
		switch b := body[i]; {
		case b == '\\' && i+1 < len(body) && body[i+1] == 'u':
			i += 6
		case b == '\\':
			i += 2
		case b < 0x80:
			i++
		case b >= 0xf0: // outside the basic plane: a surrogate pair
			i += 4
			units++
		case b >= 0xe0:
			i += 3
		default:
			i += 2
		}
	}
	return units*2 > maxUTF16
}
