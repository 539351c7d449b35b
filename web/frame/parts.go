package frame

import (
	"net/url"

	"github.com/fanfare/fanfare/broadcast"
)

// Tab is one way to filter a list.
type Tab struct {
	Name, Words string
	States      []broadcast.State
	Current     bool
	Link        string
	Count       string // "" where no count is cheap enough
}

// PickTab marks the current tab and gives each its link; an unknown name is the first.
func PickTab(tabs []Tab, name string, to func(string) string) ([]Tab, Tab) {
	current := 0
	for i := range tabs {
		tabs[i].Link = to(tabs[i].Name)
		if tabs[i].Name == name {
			current = i
		}
	}
	tabs[current].Current = true
	return tabs, tabs[current]
}

// Link is a path with those of the name-value pairs that are not empty.
func Link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Bar is one stretch of a progress bar.
type Bar struct {
	Name  string `json:"name"`
	Words string `json:"-"`
	Count string `json:"-"`
	From  string `json:"from"`
	Width string `json:"width"`
}
