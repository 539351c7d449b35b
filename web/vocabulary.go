package web

import (
	"embed"
	"encoding/json"
	"html/template"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/web/admin"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/static"
	"github.com/fanfare/fanfare/web/words"
)

//go:embed templates
var templates embed.FS

// said is what a finished use-case says on the page it leads to.
var said = map[string]string{
	"saved":          "Draft saved.",
	"listed":         "The list is stored.",
	"unlisted":       "The list is deleted.",
	"renamed":        "The saved audience has its new name.",
	"dropped":        "The saved audience is deleted.",
	"duplicate":      "This is a copy. Change what you like; the original stays as it is.",
	"submit":         "Submitted. Somebody with the role Approver can now review it.",
	"withdraw":       "Taken back. It is a draft again.",
	"approve":        "Approved. It can be sent now, or scheduled.",
	"reject":         "Sent back to the author with your reason.",
	"schedule":       "Scheduled. It starts by itself at that time.",
	"unschedule":     "Taken off the schedule. It stays approved.",
	"send":           "Sending has begun.",
	"pause":          "Paused. Messages already under way may still arrive.",
	"resume":         "Going on.",
	"cancel":         "Cancelled.",
	"start":          "The rollout runs. People get the app one after another.",
	"hold":           "The rollout is paused.",
	"ringed":         "The rings are stored.",
	"opened":         "The ring is open. Its people get the app one after another.",
	"looking":        "Everybody is being looked at.",
	"upgrading":      "Everybody is being looked at, and upgraded where it is needed.",
	"keep-paused":    "Paused. What is mended stays.",
	"keep-stopped":   "Stopped. What is mended stays.",
	"repair-on":      "Apps that vanished are put back by themselves where that is safe.",
	"repair-off":     "Apps that vanished are left alone until an admin decides.",
	"put-back":       "The app is being put back.",
	"team-wanted":    "The app is being installed in the team.",
	"team-forgotten": "Taken off the list. The app stays where it is.",
	"revoked":        "The key is revoked and works no longer.",
	"go":             "Going on: everybody else gets it now.",
	"retry":          "Those who failed are being tried again.",
	"recall":         "It is being taken back. Below you see how far that has come.",
	"correct":        "This is the message as people have it. Mend it; it is reviewed like any announcement and then replaces theirs.",
	"bounded":        "Set. It counts from now on, also for what was approved and not sent yet.",
	"unbounded":      "Deleted.",
	"lift":           "Everything goes on. It stops again by itself if the cause is still there.",
	"welcome-send":   "In use. Whoever gets the app for the first time from now on gets it.",
	"welcome-cancel": "Stopped. Whoever comes from now on gets no welcome message.",
}

// vocabulary are the functions templates speak with.
func vocabulary(st *static.Files) template.FuncMap {
	return template.FuncMap{
		"static": st.Path, "num": words.Num, "people": words.People, "count": words.Count, "whole": words.Whole, "reached": words.Reached, "iso": words.ISO, "utc": words.UTC, "badge": words.Badge, "kind": words.Kind,
		"done": words.Done, "delivery": words.Delivery, "install": words.Install, "ring": words.Ring, "follows": words.Follows, "watched": words.Watched, "shares": words.Shares, "ringColumns": admin.RingColumns, "ringText": func(r rollout.Ring, name string) string { return admin.RingTexts(r)["ring-"+r.ID+"-"+name] }, "priority": words.Priority, "priorityMeans": words.PriorityMeans,
		"plan": words.Plan, "planInShort": words.PlanInShort, "priorities": broadcast.Priorities, "failedShare": func(t broadcast.Tally) string {
			return strings.TrimSuffix(words.Percent(t.Failed, t.Sent+t.Failed), ".0")
		},
		"list": words.List, "add": func(a, b int) int { return a + b }, "card": cardJSON, "kb": words.Kilobytes, "role": words.Role, "language": words.Language, "languages": words.Languages,
		"notes": func() []string { return []string{"listing", "late", "repeat"} }, "fieldID": fieldID, "groupNote": groupNote, "partValue": form.PartValue, "act": actOf, "ask": askOf,
		"isChannel": func(id broadcast.EntraID) bool { return audience.IsChannel(string(id)) },
		"blank":     func() broadcast.Button { return broadcast.Button{} },
		"buttonRow": func(i int, b broadcast.Button, badTitle, badURL string) buttonRow {
			return buttonRow{i, b, badTitle, badURL}
		},
	}
}

// cardJSON lets a composed card stand in a script element of type
// application/json: html/template escapes it as data there.
func cardJSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}
