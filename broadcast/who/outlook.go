package who

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// Outlook is what would happen to a message sent to everybody right now. State and
// Reason are those the person's delivery would start with; a law test compares them
// with what the ledger writes.
type Outlook struct {
	State    broadcast.DeliveryState // ready, pending or skipped
	Reason   broadcast.Reason
	Sentence string // whether they would get it, why not, and what to do
}

// Outlook says what would happen.
func (p Person) Outlook() Outlook {
	o := Outlook{State: broadcast.DeliverySkipped}
	switch excluded := p.Excluded(); {
	case excluded != "":
		o.Reason = excluded
	case p.Bot.State == broadcast.InstallationRemoved, p.Bot.State == broadcast.InstallationBlocked:
		o.Reason = broadcast.Reason(p.Bot.State)
	case p.Bot.State == broadcast.InstallationRefused:
		o.Reason = cmp.Or(p.Bot.Reason, broadcast.ReasonInstallFailed)
	case p.Bot.Addressed:
		o.State = broadcast.DeliveryReady
	default:
		o.State, o.Reason = broadcast.DeliveryPending, broadcast.ReasonNotInstalled
	}
	o.Sentence = p.sentence(o)
	return o
}

func (p Person) sentence(o Outlook) string {
	switch {
	case o.State == broadcast.DeliverySkipped && o.Reason == broadcast.ReasonGuest && p.B2B():
		return "Would not get it, because their home is another organisation's tenant. What to do: nothing here; they use Teams at home, where your apps cannot follow."
	case o.State == broadcast.DeliverySkipped:
		return "Would not get it: " + lowerFirst(o.Reason.Words()) + ". What to do: " + lowerFirst(o.Reason.Remedy())
	case o.State == broadcast.DeliveryPending:
		return "Would get it once the app is there. " + p.waitsFor()
	case p.Halt != "":
		return "Would get it as soon as sending goes on; everything is stopped: " + lowerFirst(p.Halt.Words()) + ". What to do: " + lowerFirst(p.Halt.Remedy())
	}
	return "Would get it."
}

// waitsFor says what somebody without an address waits for.
func (p Person) waitsFor() string {
	switch {
	case p.Bot.State == broadcast.InstallationInstalled:
		return "It is installed; Fanfare waits for Teams to tell the address of their chat, and asks for it if that takes long."
	case p.Rollout == broadcast.RolloutPaused:
		return "Installing is paused for everybody. What to do: an administrator goes on with it on the Rollout page."
	case p.Bot.State == broadcast.InstallationWanted && p.Bot.Reason != "":
		return "Installing did not work yet: " + lowerFirst(p.Bot.Reason.Words()) + ". Fanfare tries again by itself. What to do: " + lowerFirst(p.Bot.Reason.Remedy())
	case p.Bot.State == broadcast.InstallationWanted:
		return "It is to be installed; nothing to do but wait for their turn."
	case p.Rollout == broadcast.RolloutRunning && p.NextRing != "":
		return "Installing goes ring by ring, and those opened so far are not theirs. What to do: open the next, “" + p.NextRing + "”, when its turn has come, or just send; a broadcast asks for the app itself."
	}
	return "Nobody has asked for it yet. What to do: start the rollout, or just send; a broadcast asks for the app itself."
}

// lowerFirst fits a phrase into a sentence; what begins like "ID" or "HTTP" stays.
func lowerFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[size:]); unicode.IsUpper(second) {
		return s
	}
	if strings.HasPrefix(s, "Fanfare") || strings.HasPrefix(s, "Teams") {
		return s
	}
	return string(unicode.ToLower(first)) + s[size:]
}
