package teams

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
)

// Kind says what an activity means to us.
type Kind string

// BotAdded and BotRemoved: in one person's Teams. Said: somebody wrote to the bot.
// Acted: somebody pressed a button of a card. Other: nothing we act on; answer 200.
const (
	BotAdded   Kind = "bot_added"
	BotRemoved Kind = "bot_removed"
	Said       Kind = "said"
	Acted      Kind = "acted"
	Other      Kind = "other"
)

// Kind reads the activity's meaning (protocol D.1, D.2, D.4, D.6).
func (a *Activity) Kind() Kind {
	switch strings.ToLower(a.Type) {
	case "conversationupdate":
		return a.updateKind()
	case "installationupdate":
		return a.installKind()
	case "message":
		if a.hasValue() && strings.TrimSpace(a.Text) == "" {
			return Acted
		}
		return Said
	case "invoke":
		if a.Name == "adaptiveCard/action" {
			return Acted
		}
	}
	return Other
}

// updateKind: in a personal chat any addition means that the bot is there, whether
// Teams lists the bot, the person or both (protocol D.1). A person listed as removed
// was deleted from the tenant; a lone bot listed so is what installationUpdate says
// better, and counts the same.
func (a *Activity) updateKind() Kind {
	switch {
	case !a.Personal():
		return Other
	case len(a.MembersAdded) > 0:
		return BotAdded
	case len(a.MembersRemoved) > 0:
		return BotRemoved
	}
	return Other
}

// installKind: the upgrade pair remove-upgrade, add-upgrade must not make anybody
// look uninstalled (protocol D.2).
func (a *Activity) installKind() Kind {
	if !a.Personal() {
		return Other
	}
	switch strings.ToLower(a.Action) {
	case "add", "add-upgrade":
		return BotAdded
	case "remove":
		return BotRemoved
	}
	return Other
}

func (a *Activity) hasValue() bool {
	v := strings.TrimSpace(string(a.Value))
	return v != "" && v != "null"
}

// Personal tells whether the activity comes from a one-to-one chat with the bot.
// Teams leaves conversationType out of some personal events, whose conversation is
// then known by its form (protocol C.7).
func (a *Activity) Personal() bool {
	if t := a.Conversation.ConversationType; t != "" {
		return strings.EqualFold(t, "personal")
	}
	id := a.Conversation.ID
	return !a.Conversation.IsGroup && (strings.HasPrefix(id, "a:") || strings.HasSuffix(id, "@unq.gbl.spaces"))
}

// Tenants lists the tenants the activity names: channelData.tenant.id, and
// conversation.tenantId where it is given (protocol D). All of them have to be ours.
func (a *Activity) Tenants() []string {
	var out []string
	for _, t := range []string{a.ChannelData.Tenant.ID, a.Conversation.TenantID} {
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// EntraID is the account's directory ID in lower case, from either spelling; empty
// for bots.
func (c Account) EntraID() broadcast.EntraID {
	if c.AADObjectID != "" {
		return broadcast.EntraID(strings.ToLower(c.AADObjectID))
	}
	return broadcast.EntraID(strings.ToLower(c.ObjectID))
}

// Person is whose chat this is and how Teams calls them: the sender, who is the
// person even when Graph or an admin installed the bot (protocol D.1), or else the
// only person listed. The EntraID is empty when Teams did not name it.
func (a *Activity) Person() (broadcast.EntraID, string) {
	if id := a.From.EntraID(); id != "" {
		return id, a.From.ID
	}
	for _, m := range slices.Concat(a.MembersAdded, a.MembersRemoved) {
		if id := m.EntraID(); id != "" && m.ID != a.Recipient.ID {
			return id, m.ID
		}
	}
	return "", a.From.ID
}

// Reference is where the person can be written to.
func (a *Activity) Reference() broadcast.ConversationReference {
	_, account := a.Person()
	return broadcast.ConversationReference{ServiceURL: a.ServiceURL, ConversationID: a.Conversation.ID, ChannelAccountID: account}
}

// Command is the text in lower case, without mentions of the bot (protocol D.4),
// for comparing it with "help", "why" and the like.
func (a *Activity) Command() string {
	text := a.Text
	for {
		before, rest, found := strings.Cut(text, "<at>")
		_, after, closed := strings.Cut(rest, "</at>")
		if !found || !closed {
			return strings.ToLower(strings.Join(strings.Fields(text), " "))
		}
		text = before + " " + after
	}
}

// VerbWhy is the verb of the button "Why am I getting this?".
const VerbWhy = "why"

// Act is a press on a button of one of our cards.
type Act struct {
	Verb        string
	BroadcastID broadcast.ID
	Invoke      bool // Teams waits for an InvokeAnswer (protocol D.6)
}

type actData struct {
	Verb        string       `json:"verb,omitempty"`
	BroadcastID broadcast.ID `json:"broadcastId"`
}

// Act reads which button was pressed, from an Action.Execute or its fallback, an
// Action.Submit. False if the activity is no press on a card, or not one of ours.
func (a *Activity) Act() (Act, bool) {
	if a.Kind() != Acted {
		return Act{}, false
	}
	if !strings.EqualFold(a.Type, "invoke") {
		var d actData
		err := json.Unmarshal(a.Value, &d)
		return Act{Verb: d.Verb, BroadcastID: d.BroadcastID}, err == nil && d.Verb != ""
	}
	var v struct {
		Action struct {
			Verb string  `json:"verb"`
			Data actData `json:"data"`
		} `json:"action"`
	}
	err := json.Unmarshal(a.Value, &v)
	return Act{Verb: v.Action.Verb, BroadcastID: v.Action.Data.BroadcastID, Invoke: true}, err == nil && v.Action.Verb != ""
}
