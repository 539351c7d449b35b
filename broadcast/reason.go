package broadcast

import (
	"cmp"
	"maps"
	"slices"
)

// Reason says why a delivery or an installation ended as it did. Every reason
// has words for people and a remedy for the admin.
type Reason string

// The reasons, by who can change them.
const (
	ReasonGuest      Reason = "guest"
	ReasonDisabled   Reason = "disabled"
	ReasonUnlicensed Reason = "unlicensed"
	ReasonDeleted    Reason = "deleted"

	ReasonBlocked       Reason = "blocked"
	ReasonRemoved       Reason = "removed"
	ReasonVanished      Reason = "vanished"
	ReasonNotInstalled  Reason = "not_installed"
	ReasonPolicy        Reason = "policy"
	ReasonNoCatalogApp  Reason = "no_catalog_app"
	ReasonMismatch      Reason = "app_mismatch"
	ReasonNoTeams       Reason = "no_teams"
	ReasonInstallFailed Reason = "install_failed"

	ReasonBadAddress   Reason = "bad_address"
	ReasonGone         Reason = "conversation_gone"
	ReasonTooLarge     Reason = "too_large"
	ReasonAttempts     Reason = "too_many_attempts"
	ReasonRejected     Reason = "rejected_by_teams"
	ReasonBotDisabled  Reason = "bot_disabled"
	ReasonCredentials  Reason = "bad_credentials"
	ReasonNoConsent    Reason = "no_consent"
	ReasonThrottled    Reason = "throttled"
	ReasonTrouble      Reason = "service_trouble"
	ReasonUnknownError Reason = "unknown_error"

	ReasonUnconfirmed  Reason = "unconfirmed"    // may have arrived, and must not be repeated
	ReasonNoActivityID Reason = "no_activity_id" // the message is there, but Teams never named it
	ReasonMessageGone  Reason = "message_gone"   // there is no such message any more

	ReasonNotInTeam    Reason = "bot_not_in_team" // this and the next two are of channels
	ReasonChannelGone  Reason = "channel_gone"
	ReasonTeamArchived Reason = "team_archived"

	ReasonCancelled Reason = "cancelled" // the broadcast was, before this person's turn
	ReasonExpired   Reason = "expired"   // the same of its last moment
)

type reasonText struct{ words, remedy string }

var reasonTexts = map[Reason]reasonText{
	ReasonGuest:         {"Guest account", "Guests cannot receive personal apps from your tenant."},
	ReasonDisabled:      {"Account disabled", "Enable the account in Entra ID if the person still works here."},
	ReasonUnlicensed:    {"No Teams licence", "Assign a licence that includes Teams."},
	ReasonDeleted:       {"Account deleted", "Nothing to do; a restored account comes back with the next sync."},
	ReasonBlocked:       {"Blocked the bot", "Only the person can unblock it, in their Teams chat."},
	ReasonRemoved:       {"Removed the app", "Only the person can add it again; Fanfare never re-installs against their will."},
	ReasonVanished:      {"App vanished", "Nobody told Fanfare who removed it, perhaps the person; an admin can put it back on the page Upkeep."},
	ReasonNotInstalled:  {"App not installed yet", "Start the rollout, or wait until it reaches this person."},
	ReasonPolicy:        {"App blocked by policy", "Allow the app for this person in the Teams admin centre (permission policies)."},
	ReasonNoCatalogApp:  {"App not in the catalogue", "Upload the app package to your organisation's app catalogue."},
	ReasonMismatch:      {"Manifest and Entra app differ", "The manifest's webApplicationInfo.id must be this bot's app ID."},
	ReasonNoTeams:       {"Person unknown to Teams", "Check that the account exists and has Teams."},
	ReasonInstallFailed: {"Installation failed", "Look at the detail; press Start on the rollout page to try again."},
	ReasonBadAddress:    {"Address refused", "Fanfare forgot the address and learns it anew with the next event."},
	ReasonGone:          {"Conversation gone", "It could not be re-created; the person may have left."},
	ReasonTooLarge:      {"Message too large", "Shorten the message."},
	ReasonAttempts:      {"Teams kept failing", "Try again when Teams works normally."},
	ReasonRejected:      {"Refused by Teams", "Look at the code in the detail."},
	ReasonBotDisabled:   {"Bot disabled by an administrator", "Allow the bot in the Teams admin centre, then resume."},
	ReasonCredentials:   {"Bot credentials refused", "Renew the bot's credential in the configuration, then resume."},
	ReasonNoConsent:     {"Permission in Microsoft Graph missing", "Grant the permissions that the Set-up page names to the app in Entra ID, with admin consent."},
	ReasonThrottled:     {"Throttled", "Nothing: Fanfare waits as long as Teams asks."},
	ReasonTrouble:       {"Teams had trouble", "Nothing: Fanfare tries again."},
	ReasonUnknownError:  {"Unknown answer", "Look at the code in the detail."},
	ReasonUnconfirmed:   {"Not confirmed by Teams", "It may have arrived. Retry only if getting it twice does no harm."},
	ReasonNoActivityID:  {"Message has no ID", "Teams may hold a copy it never named; it cannot be changed or taken back."},
	ReasonMessageGone:   {"Message already gone", "Nothing to do: somebody deleted the chat, the channel or the message."},
	ReasonNotInTeam:     {"Bot not in that team", "Add the app to the team in Teams, then try again."},
	ReasonChannelGone:   {"Channel deleted", "Nothing to do, unless an owner of the team restores it."},
	ReasonTeamArchived:  {"Team archived", "An owner can restore the team in Teams; then try again."},
}

// Words is the reason in a few words for a table cell.
func (r Reason) Words() string {
	return cmp.Or(reasonTexts[r].words, string(r))
}

// Remedy is a sentence on what can be done about it.
func (r Reason) Remedy() string { return reasonTexts[r].remedy }

// Reasons lists every reason that has words.
func Reasons() []Reason { return slices.Collect(maps.Keys(reasonTexts)) }
