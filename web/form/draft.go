// Package form is the editor's form: what somebody chose and typed, right or wrong,
// kept as they typed it until it can be understood, and what it then means.
package form

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
	"github.com/fanfare/fanfare/web/words"
)

// Draft is the editor's form: what somebody typed, right or wrong.
type Draft struct {
	ID       broadcast.ID
	Revision int64
	Message  broadcast.Message
	Audience broadcast.Audience
	Plan     Plan
	Search   string // the search for parts of an audience, for people without script
	Saved    string // the saved audience that is chosen
	SaveAs   string // the name to save the audience under
	Adding   string // the language to add a variant for, as typed
	AddWrong string // why it cannot be added, in a sentence
	LookIn   string // the locale in which the preview is looked at
	Do       string // which button was pressed: "save", "submit", or one that only rearranges
}

// DraftOf is the form as it shows a stored broadcast.
func DraftOf(b *broadcast.Broadcast) Draft {
	return Draft{ID: b.ID, Revision: b.Revision, Message: b.Message, Audience: b.Audience, Plan: PlanOf(b.Plan)}
}

// InShort is the typed plan in one line, as far as it can be understood.
func (f Draft) InShort() []words.Sentence {
	b := f.Into(&broadcast.Broadcast{})
	return words.PlanInShort(&b)
}

// ReadDraft reads the form the editor posts and its modules send; id is the broadcast
// in the address, if one is.
func ReadDraft(f url.Values, id string) Draft {
	upon := f.Get("revision")
	if keep := f.Get("revision_keep"); keep != "" { // "save mine over theirs"
		upon = keep
	}
	revision, _ := strconv.ParseInt(upon, 10, 64) // garbled is 0, which no broadcast has
	form := Draft{
		ID: broadcast.ID(f.Get("id")), Revision: revision,
		Message: broadcast.Message{
			Title: f.Get("title"), Body: f.Get("body"), ImageURL: f.Get("image_url"), ImageAlt: f.Get("image_alt"),
		},
		Search: f.Get("audience_search"), Saved: f.Get("saved_audience"), SaveAs: f.Get("saved_name"), Do: f.Get("do"),
		Adding: f.Get("add_variant"), LookIn: f.Get("look_in"),
	}
	if id != "" {
		form.ID = broadcast.ID(id)
	}
	urls := f["button_url"]
	for i, title := range f["button_title"] {
		b := broadcast.Button{Title: title}
		if i < len(urls) {
			b.URL = urls[i]
		}
		form.Message.Buttons = append(form.Message.Buttons, b)
	}
	form.Message.Variants, form.Message.Post = readVariants(f), message.Post{Title: f.Get("team.title"), Body: f.Get("team.body")}
	form.Audience, form.Plan = readAudience(f), readPlan(f)
	return form
}

// Rearrange does what the editor's modules do in the browser, for people without
// script: another button row, a part of the audience more or less. It tells whether the pressed
// button asked for nothing else.
func (f *Draft) Rearrange() bool {
	verb, arg, _ := strings.Cut(f.Do, ":")
	switch verb {
	case "add-button":
		f.Message.Buttons = append(f.Message.Buttons, broadcast.Button{})
	case "drop-button":
		if i, err := strconv.Atoi(arg); err == nil {
			f.Message = f.Message.WithoutButton(i)
		}
	case "add-variant":
		f.addVariant()
	case "drop-variant":
		f.dropVariant(arg)
	case "add-ring":
		f.Plan.choose(arg)
		f.Plan.First = "group"
	case "drop-ring":
		f.Plan.Ring = broadcast.Group{}
	case "find-ring", "preview":
	default:
		return f.rearrangeAudience(verb, arg)
	}
	return true
}

// Verb is what the pressed button asks for, without its argument.
func (f Draft) Verb() string {
	verb, _, _ := strings.Cut(f.Do, ":")
	return verb
}

// Into is the broadcast as it would be with what the form says. A correction keeps
// its announcement's audience, and of the plan only the priority is its own; a welcome
// message keeps both.
func (f Draft) Into(kept *broadcast.Broadcast) broadcast.Broadcast {
	b := *kept
	b.Message = f.Message
	if b.Welcomes() {
		return b
	}
	p, _, _ := f.Plan.Plan()
	if b.Kind == broadcast.KindEdit {
		b.Plan = broadcast.Plan{Priority: p.Priority}
		return b
	}
	b.Audience, b.Plan = f.Audience, p
	return b
}
