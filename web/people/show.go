package people

import (
	"cmp"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/broadcast/who"
	"github.com/fanfare/fanfare/web/frame"
)

// ShowPage is all of one person.
type ShowPage struct {
	frame.Page
	S       who.Story
	Facts   []Fact
	Tabs    []frame.Tab
	All     bool // those announcements they were not on, too
	First   string
	Next    string
	Warning string
}

// Fact is one thing the directory says.
type Fact struct{ Words, Value, Link string }

// Tone is how the sentence about a message sent now looks.
func (p ShowPage) Tone() string {
	switch {
	case p.S.Outlook.State == broadcast.DeliverySkipped:
		return "bad"
	case p.S.Outlook.State == broadcast.DeliveryPending || p.S.Person.Halt != "":
		return "warn"
	}
	return "good"
}

// Show tells all of one person.
func (d *Door) Show(c *gin.Context, a broadcast.Actor) error {
	ctx := c.Request.Context()
	q := who.ReceiptQuery{Person: broadcast.EntraID(c.Param("id")), All: c.Query("show") == "all", After: broadcast.ID(c.Query("after"))}
	story, err := d.people.Story(ctx, a, q)
	if err != nil {
		return err
	}
	fresh, err := d.people.Freshness(ctx, a)
	if err != nil {
		return err
	}
	p := ShowPage{
		Page: d.Page(c, cmp.Or(story.Name, "Unknown person"), "people"), S: story, Facts: FactsOf(story.Person), All: q.All, Warning: fresh.Warning(),
	}
	here, show := "/people/"+string(story.EntraID), c.Query("show")
	p.Tabs, _ = frame.PickTab(ShowTabs(), show, func(name string) string { return frame.Link(here, "show", name) })
	if story.Next != "" {
		p.Next = frame.Link(here, "show", show, "after", string(story.Next))
	}
	if q.After != "" {
		p.First = frame.Link(here, "show", show)
	}
	d.Render(c, http.StatusOK, "person", p)
	return nil
}

// ShowTabs are the two ways to look at announcements.
func ShowTabs() []frame.Tab {
	return []frame.Tab{{Words: "They were on the list"}, {Name: "all", Words: "All announcements"}}
}

// FactsOf is what the directory says of somebody, as far as it says it.
func FactsOf(p who.Person) []Fact {
	account := "Member"
	switch {
	case p.B2B():
		account = "Member whose home is another tenant (B2B)"
	case p.Type == person.GuestType || p.Guest:
		account = "Guest"
	}
	if !p.Enabled {
		account += ", disabled"
	}
	licence := "No licence for Teams"
	if p.Licensed {
		licence = "Licence for Teams"
	}
	manager := Fact{Words: "Manager", Value: cmp.Or(p.Manager.Name, string(p.Manager.ID))}
	if p.Manager.Name != "" {
		manager.Link = "/people/" + string(p.Manager.ID)
	}
	var out []Fact
	for _, f := range []Fact{
		{Words: "Account", Value: account},
		{Words: "Teams", Value: licence},
		{Words: "Department", Value: p.Department},
		{Words: "Job title", Value: p.JobTitle},
		manager,
		{Words: "Office", Value: p.Office},
		{Words: "City", Value: p.City},
		{Words: "Country", Value: p.Country},
		{Words: "Licences used in", Value: p.UsageLocation},
		{Words: "Language", Value: p.Language},
		{Words: "Time zone", Value: p.TimeZone},
		{Words: "Mail", Value: p.Mail},
		{Words: "Entra ID", Value: string(p.EntraID)},
	} {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}
