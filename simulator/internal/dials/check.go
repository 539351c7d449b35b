package dials

import (
	"fmt"
	"slices"
	"strings"
)

// Operations are all names that a fault may strike, as in the report.
var Operations = []string{
	"create", "send", "reply", "update", "delete", "members", "member", "pagedmembers", "activitymembers", "team", "channels", "unknown",
	"graph.delta", "graph.users", "graph.user", "graph.groups", "graph.group", "graph.members", "graph.organization",
	"graph.catalog", "graph.install", "graph.installed", "graph.uninstall", "graph.chat", "graph.upgrade",
	"graph.channels", "graph.installteam", "graph.batch", "graph.unknown",
	"entra.discovery", "entra.keys", "entra.token", "entra.authorize", "entra.logout", "bot.metadata", "bot.keys",
}

// words are the dials that hold one of a few words.
var words = map[string][]string{
	"access_token": {"", "expired", "wrong_aud", "wrong_app", "bad_signature"},
	"bot_token": {
		"", "wrong_aud", "wrong_iss", "expired", "future", "serviceurl", "no_endorsement", "alg_none", "hs256", "missing", "graph_token",
	},
	"sign_in": {"", "wrong_tenant", "no_roles", "wrong_nonce", "overage"},
}

// Check tells a mistake in dials as a sentence. The function tells whether an
// Entra ID belongs to the organisation.
func Check(d Dials, exists func(entraID string) bool) error {
	for id, word := range d.Person {
		if _, ok := kinds[word]; !ok {
			return fmt.Errorf("person %s: there is no misfortune called %q", id, word)
		}
		if !exists(id) {
			return fmt.Errorf("person: %q is no Entra ID of this organisation", id)
		}
	}
	for name, word := range map[string]string{"access_token": d.AccessToken, "bot_token": d.BotToken, "sign_in": d.SignIn} {
		if !slices.Contains(words[name], word) {
			return fmt.Errorf("%s: there is no %q, only %s", name, word, strings.Join(words[name][1:], ", "))
		}
	}
	if s := d.DeltaExpiredStatus; s != 0 && s != 410 && (s < 400 || s > 409) {
		return fmt.Errorf("delta_expired_status: 410, or 400 to 409, not %d", s)
	}
	for i, f := range d.Fail {
		if err := CheckFault(f, exists); err != nil {
			return fmt.Errorf("fail[%d]: %w", i, err)
		}
	}
	return nil
}

// CheckFault tells a mistake in one fault.
func CheckFault(f Fault, exists func(entraID string) bool) error {
	switch {
	case f.Operation == "":
		return fmt.Errorf("name the operation, as in the report")
	case !slices.ContainsFunc(Operations, func(op string) bool { return covers(f.Operation, op) }):
		return fmt.Errorf("there is no operation %q, only %s", f.Operation, strings.Join(Operations, ", "))
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("%d is no HTTP status", f.Status)
	case !slices.Contains(Shapes, f.Shape):
		return fmt.Errorf("there is no shape %q, only %s", f.Shape, strings.Join(Shapes[1:], ", "))
	case f.Status == 0 && f.Shape != "" && !f.Tears():
		return fmt.Errorf("a %s answer needs a status", f.Shape)
	case f.Person != "" && !exists(f.Person):
		return fmt.Errorf("%q is no Entra ID of this organisation", f.Person)
	case f.PerMille < 0 || f.PerMille > 1000 || f.PeoplePerMille < 0 || f.PeoplePerMille > 1000:
		return fmt.Errorf("per mille values run from 0 to 1000")
	case min(f.Skip, f.Next, f.FirstEach, f.RetryAfter, f.DelayMS, f.DelayUpToMS) < 0 || min(f.FromMS, f.ForMS) < 0:
		return fmt.Errorf("times and counts must not be negative")
	}
	return nil
}
