package form

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// partJSON is how a part travels in a form: with its name, which is kept as it was
// when it was chosen.
type partJSON struct {
	Kind   audience.Kind  `json:"kind"`
	ID     string         `json:"id,omitempty"`
	Name   string         `json:"name,omitempty"`
	Field  audience.Field `json:"field,omitempty"`
	Values []string       `json:"values,omitempty"`
}

// PartValue is a part as a form's field has it.
func PartValue(p audience.Part) string {
	raw, _ := json.Marshal(partJSON(p)) // texts cannot fail to marshal
	return string(raw)
}

// partOf is the part a field says. One nobody can read is kept as such, and told when
// the audience is checked.
func partOf(raw string) audience.Part {
	var p partJSON
	if err := json.Unmarshal([]byte(raw), &p); err != nil || p.Kind == "" {
		return audience.Part{Kind: "unreadable"}
	}
	return audience.Part(p)
}

// choseEveryone is the choice of everyone; any other is that of parts.
const choseEveryone = "everyone"

// readAudience reads the choice. People chosen before somebody switched to everyone are
// not meant any more; who is left out still is, and so are channels, which get a post
// beside everyone.
func readAudience(f url.Values) broadcast.Audience {
	var a broadcast.Audience
	for _, raw := range f["exclude"] {
		a.Exclude = with(a.Exclude, partOf(raw))
	}
	for _, raw := range f["include"] {
		a.Include = with(a.Include, partOf(raw))
	}
	if f.Get("audience") == choseEveryone {
		a.Include = append(broadcast.Everyone().Include, a.Channels()...)
	}
	return a
}

func with(parts []audience.Part, p audience.Part) []audience.Part {
	if slices.ContainsFunc(parts, p.Same) {
		return parts
	}
	return append(parts, p)
}

func without(parts []audience.Part, key string) []audience.Part {
	return slices.DeleteFunc(parts, func(p audience.Part) bool { return p.Key() == key })
}

// Everyone tells whether everyone is chosen.
func (f Draft) Everyone() bool { return f.Audience.Has(audience.Everyone) }

// Chosen is the parts somebody has chosen one by one.
func (f Draft) Chosen() []audience.Part {
	if f.Everyone() {
		return f.Audience.Channels()
	}
	return f.Audience.Include
}

// rearrangeAudience does what the audience's buttons ask for.
func (f *Draft) rearrangeAudience(verb, arg string) bool {
	switch verb {
	case "include":
		p := partOf(arg)
		if f.Everyone() && p.Kind != audience.Channel {
			f.Audience.Include = f.Audience.Channels()
		}
		f.Audience.Include = with(f.Audience.Include, p)
	case "exclude":
		f.Audience.Exclude = with(f.Audience.Exclude, partOf(arg))
	case "drop-include":
		f.Audience.Include = without(f.Audience.Include, arg)
	case "drop-exclude":
		f.Audience.Exclude = without(f.Audience.Exclude, arg)
	case "find-parts", "use-audience", "save-audience": // the door does the rest
	default:
		return false
	}
	return true
}

// Use puts a saved audience's parts in the place of what is chosen.
func (f *Draft) Use(a broadcast.Audience) { f.Audience = a }

// ringOf is the group of a first wave as it travels: "ID name".
func ringOf(raw string) broadcast.Group {
	id, name, _ := strings.Cut(strings.TrimSpace(raw), " ")
	return broadcast.Group{ID: id, Name: name}
}
