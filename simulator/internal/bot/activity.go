package bot

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// fields is an activity as it goes over the wire.
type fields map[string]any

// base returns what every activity of a personal chat carries (protocol D).
func (s *Sender) base(p tenant.Person, kind string) fields {
	t := s.w.Tenant
	return fields{
		"type": kind, "id": eventID(), "timestamp": s.w.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"channelId": "msteams", "serviceUrl": s.w.ServiceURL(s.w.Region()),
		"from":      fields{"id": t.ChannelAccountID(p.Number), "name": p.Name, "aadObjectId": p.EntraID},
		"recipient": fields{"id": "28:" + t.BotID, "name": "Fanfare"},
		"conversation": fields{
			"conversationType": "personal", "tenantId": t.TenantID, "id": t.Present(p.Number),
		},
		"channelData": fields{"tenant": fields{"id": t.TenantID}},
	}
}

// eventID is Teams' kind of ID for everything that is not a message.
func eventID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil { // crypto/rand does not fail on the platforms Go supports
		return fmt.Sprintf("f:%d", time.Now().UnixNano())
	}
	return "f:" + n.String()
}

func (s *Sender) local(p tenant.Person, a fields) fields {
	a["locale"] = p.PreferredLanguage
	a["entities"] = []fields{{
		"type": "clientInfo", "locale": p.PreferredLanguage, "country": p.UsageLocation, "platform": "Windows",
	}}
	return a
}

// added is the personal conversationUpdate: no eventType, the bot in
// membersAdded, the person there too for some (protocol D.1).
func (s *Sender) added(p tenant.Person) fields {
	a := s.base(p, "conversationUpdate")
	members := []fields{{"id": "28:" + s.w.Tenant.BotID}}
	if p.Number%3 == 0 {
		members = append(members, fields{"id": s.w.Tenant.ChannelAccountID(p.Number), "aadObjectId": p.EntraID})
	}
	a["membersAdded"] = members
	return a
}

// installation is the installationUpdate with that action (protocol D.2).
func (s *Sender) installation(p tenant.Person, action string) fields {
	a := s.local(p, s.base(p, "installationUpdate"))
	a["action"] = action
	a["channelData"] = fields{
		"tenant":   fields{"id": s.w.Tenant.TenantID},
		"settings": fields{"selectedChannel": fields{"id": s.w.Tenant.Present(p.Number)}},
		"source":   fields{"name": "message"},
	}
	return a
}

// Message is what a person typed.
func (s *Sender) message(p tenant.Person, id, text string) fields {
	a := s.local(p, s.base(p, "message"))
	a["id"], a["text"], a["textFormat"] = id, text, "plain"
	a["localTimezone"] = "Europe/Berlin"
	return a
}

// submit is an Action.Submit: a message without text (protocol D.6).
func (s *Sender) submit(p tenant.Person, replyTo string, value json.RawMessage) fields {
	a := s.local(p, s.base(p, "message"))
	a["replyToId"], a["value"] = replyTo, value
	return a
}

// execute is an Action.Execute (protocol D.6).
func (s *Sender) execute(p tenant.Person, replyTo string, action json.RawMessage) fields {
	a := s.local(p, s.base(p, "invoke"))
	a["name"], a["replyToId"] = "adaptiveCard/action", replyTo
	a["value"] = fields{"action": action, "trigger": "manual"}
	return a
}

// reaction is a messageReaction (protocol D.5).
func (s *Sender) reaction(p tenant.Person, messageID, kind string, removed bool) fields {
	a := s.base(p, "messageReaction")
	a["replyToId"] = messageID
	list := "reactionsAdded"
	if removed {
		list = "reactionsRemoved"
	}
	a[list] = []fields{{"type": kind}}
	return a
}

// receipt is a read receipt (protocol D.8).
func (s *Sender) receipt(p tenant.Person, last string) fields {
	a := s.base(p, "event")
	a["name"], a["value"] = "application/vnd.microsoft.readReceipt", fields{"lastReadMessageId": last}
	return a
}
