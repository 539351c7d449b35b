package web

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// draft is the editor's form: what somebody typed, right or wrong.
type draft struct {
	ID       broadcast.ID
	Revision int64
	Message  broadcast.Message
	Audience broadcast.Audience
	Search   string // the group search, for people without script
	Do       string // which button was pressed: "save", "submit", or one that only rearranges
}

func draftOf(b *broadcast.Broadcast) draft {
	return draft{ID: b.ID, Revision: b.Revision, Message: b.Message, Audience: b.Audience}
}

// readDraft reads the form the editor posts and its modules send.
func readDraft(c *gin.Context) (draft, error) {
	if err := parseForm(c); err != nil {
		return draft{}, err
	}
	f := c.Request.PostForm
	upon := f.Get("revision")
	if keep := f.Get("revision_keep"); keep != "" { // "save mine over theirs"
		upon = keep
	}
	revision, _ := strconv.ParseInt(upon, 10, 64) // garbled is 0, which no broadcast has
	form := draft{
		ID: broadcast.ID(f.Get("id")), Revision: revision,
		Message: broadcast.Message{
			Title: f.Get("title"), Body: f.Get("body"), ImageURL: f.Get("image_url"), ImageAlt: f.Get("image_alt"),
		},
		Search: f.Get("group_search"), Do: f.Get("do"),
	}
	if id := c.Param("id"); id != "" {
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
	form.Audience = readAudience(f["audience"], f["group"])
	return form, nil
}

// readAudience reads the choice. A group travels as "ID name", because the name
// is kept as it was when it was chosen. Groups chosen before somebody switched
// to everyone are not meant any more.
func readAudience(choice, groups []string) broadcast.Audience {
	if len(choice) > 0 && choice[0] == "everyone" {
		return broadcast.Audience{Everyone: true}
	}
	var a broadcast.Audience
	for _, g := range groups {
		a.Groups = withGroup(a.Groups, g)
	}
	return a
}

func withGroup(groups []broadcast.Group, raw string) []broadcast.Group {
	id, name, _ := strings.Cut(strings.TrimSpace(raw), " ")
	if id == "" {
		return groups
	}
	for _, g := range groups {
		if g.ID == id {
			return groups
		}
	}
	return append(groups, broadcast.Group{ID: id, Name: name})
}

// rearrange does what the editor's modules do in the browser, for people without
// script: another button row, a group more or less. It tells whether the pressed
// button asked for nothing else.
func (f *draft) rearrange() bool {
	verb, arg, _ := strings.Cut(f.Do, ":")
	switch verb {
	case "add-button":
		f.Message.Buttons = append(f.Message.Buttons, broadcast.Button{})
	case "drop-button":
		if i, err := strconv.Atoi(arg); err == nil && i >= 0 && i < len(f.Message.Buttons) {
			f.Message.Buttons = append(f.Message.Buttons[:i:i], f.Message.Buttons[i+1:]...)
		}
	case "add-group":
		f.Audience = broadcast.Audience{Groups: withGroup(f.Audience.Groups, arg)}
	case "drop-group":
		var kept []broadcast.Group
		for _, g := range f.Audience.Groups {
			if g.ID != arg {
				kept = append(kept, g)
			}
		}
		f.Audience.Groups = kept
	case "find-groups", "preview":
	default:
		return false
	}
	return true
}
