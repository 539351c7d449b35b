package audience

// print is an audience as it goes into a fingerprint. What a part has not is left out,
// so that a list that is empty and one that is none are the same.
type (
	print     struct{ Include, Exclude []partPrint }
	partPrint struct {
		Kind     Kind
		ID, Name string   `json:",omitempty"`
		Field    Field    `json:",omitempty"`
		Values   []string `json:",omitempty"`
	}
	// oldPrint is what there was before there were other parts than everyone and groups.
	oldPrint struct {
		Everyone bool
		Groups   []oldGroup
	}
	oldGroup struct{ ID, Name string }
)

// Print is what the fingerprint of a broadcast (its Hash) is made from, for
// encoding/json. An audience that could be named before there were other parts has
// the form it had then, so that fingerprints stored then still hold.
func (a Audience) Print() any {
	old := oldPrint{Everyone: a.IsEveryone()}
	for _, p := range a.Include {
		if p.Kind == Group {
			old.Groups = append(old.Groups, oldGroup{p.ID, p.Name})
		}
	}
	if len(a.Exclude) == 0 && (old.Everyone || len(old.Groups) == len(a.Include)) {
		return old
	}
	return print{prints(a.Include), prints(a.Exclude)}
}

func prints(parts []Part) (out []partPrint) {
	for _, p := range parts {
		out = append(out, partPrint(p))
	}
	return out
}
