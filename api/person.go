package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	lookup "github.com/fanfare/fanfare/broadcast/who"
)

// hitJSON is a person as a search finds them.
type hitJSON struct {
	EntraID    broadcast.EntraID `json:"entra_id"`
	Name       string            `json:"name"`
	UPN        string            `json:"upn"`
	Mail       string            `json:"mail"`
	Department string            `json:"department"`
	Country    string            `json:"country"`
	Outlook    outlookJSON       `json:"outlook"` // of a message sent now
	Bot        botJSON           `json:"bot"`
}

// outlookJSON is what would happen to a message sent now.
type outlookJSON struct {
	State      broadcast.DeliveryState `json:"state"` // ready, pending or skipped
	Reason     broadcast.Reason        `json:"reason"`
	ReasonText string                  `json:"reason_text"`
	Remedy     string                  `json:"remedy"`
	// Sentence says it with what to do. Only of one person does it know whether
	// installing is paused or everything is stopped.
	Sentence string `json:"sentence"`
}

// botJSON is where the bot stands; state is "" where nobody asked for it yet.
type botJSON struct {
	State     broadcast.InstallationState `json:"state"`
	Reason    broadcast.Reason            `json:"reason"`
	Text      string                      `json:"reason_text"`
	Remedy    string                      `json:"remedy"`
	Detail    string                      `json:"detail"` // Microsoft's words
	Attempts  int                         `json:"attempts"`
	NextTry   *time.Time                  `json:"next_try_at"`
	Addressed bool                        `json:"addressed"` // we know where to write to
	UpdatedAt *time.Time                  `json:"updated_at"`
}

func hitOf(p lookup.Person) hitJSON {
	o, b := p.Outlook(), p.Bot
	j := hitJSON{
		EntraID: p.EntraID, Name: p.Name, UPN: p.UPN, Mail: p.Mail, Department: p.Department, Country: p.Country,
		Outlook: outlookJSON{State: o.State, Reason: o.Reason, Sentence: o.Sentence},
		Bot:     botJSON{State: b.State, Reason: b.Reason, Detail: b.Detail, Attempts: b.Attempts, NextTry: moment(b.NotBefore), Addressed: b.Addressed, UpdatedAt: moment(b.UpdatedAt)},
	}
	if o.Reason != "" {
		j.Outlook.ReasonText, j.Outlook.Remedy = o.Reason.Words(), o.Reason.Remedy()
	}
	if b.Reason != "" {
		j.Bot.Text, j.Bot.Remedy = b.Reason.Words(), b.Reason.Remedy()
	}
	return j
}

// listPeople is GET /people?q=&after=&limit=. q is an ID, or beginnings of words of
// name or UPN.
func (d *Door) listPeople(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	ask := lookup.Query{Text: q.text("q"), After: broadcast.EntraID(q.text("after")), Limit: q.limit()}
	if q.err != nil {
		return q.err
	}
	page, err := d.o.People.Find(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	rows := make([]hitJSON, len(page.People))
	for i, p := range page.People {
		rows[i] = hitOf(p)
	}
	c.JSON(http.StatusOK, gin.H{"people": rows, "next": nextOf(page.Next)})
	return nil
}

// storyJSON is all of one person.
type storyJSON struct {
	hitJSON
	Type          string            `json:"user_type"` // member or guest, as the directory says
	B2B           bool              `json:"b2b"`       // a member whose home is another tenant
	Guest         bool              `json:"guest"`
	Enabled       bool              `json:"enabled"`
	Licensed      bool              `json:"licensed"`
	Office        string            `json:"office"`
	City          string            `json:"city"`
	UsageLocation string            `json:"usage_location"`
	JobTitle      string            `json:"job_title"`
	Language      string            `json:"language"`
	TimeZone      string            `json:"time_zone"`
	Manager       *personJSON       `json:"manager"`
	Since         *time.Time        `json:"since"`
	DeletedAt     *time.Time        `json:"deleted_at"`
	Ring          string            `json:"ring"`    // of the rollout; "" while none that was opened is theirs
	History       []installMoveJSON `json:"history"` // of the bot at them, newest first, of one year
	Broadcasts    []receiptJSON     `json:"broadcasts"`
	Next          *broadcast.ID     `json:"next"`
}

type installMoveJSON struct {
	At     *time.Time       `json:"at"`
	Event  lookup.Event     `json:"event"`
	Text   string           `json:"text"`
	Reason broadcast.Reason `json:"reason"`
	Detail string           `json:"detail"`
}

// receiptJSON is one broadcast at a person. Listed is false for one they were not on
// the list of; late tells that they came into the directory after it was sent.
type receiptJSON struct {
	BroadcastID broadcast.ID            `json:"broadcast_id"`
	Kind        broadcast.BroadcastKind `json:"kind"`
	Title       string                  `json:"title"`
	StartedAt   *time.Time              `json:"started_at"`
	Listed      bool                    `json:"listed"`
	Late        bool                    `json:"late"`
	RecipientID int64                   `json:"recipient_id"`
	State       broadcast.DeliveryState `json:"state"`
	Reason      broadcast.Reason        `json:"reason"`
	ReasonText  string                  `json:"reason_text"`
	Remedy      string                  `json:"remedy"`
	Code        string                  `json:"code"`
	Detail      string                  `json:"detail"`
	Attempts    int                     `json:"attempts"`
	MaybeSent   bool                    `json:"maybe_repeated"`
	UpdatedAt   *time.Time              `json:"updated_at"`
}

// showPerson is GET /people/{id}?all=&after=&limit=: who they are, what would happen
// to a message now, and what became of the broadcasts before, newest first. With
// all=true those they were not on, too.
func (d *Door) showPerson(c *gin.Context, a broadcast.Actor) error {
	q := &query{c: c}
	ask := lookup.ReceiptQuery{
		Person: broadcast.EntraID(c.Param("id")), All: oneOf(q, "all", []string{"true", "false"}) == "true",
		After: broadcast.ID(q.text("after")), Limit: q.limit(),
	}
	if q.err != nil {
		return q.err
	}
	s, err := d.o.People.Story(c.Request.Context(), a, ask)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, storyOf(s))
	return nil
}

func storyOf(s lookup.Story) storyJSON {
	p := s.Person
	j := storyJSON{
		hitJSON: hitOf(p), Type: string(p.Type), B2B: p.B2B(), Guest: p.Guest, Enabled: p.Enabled, Licensed: p.Licensed,
		Office: p.Office, City: p.City, UsageLocation: p.UsageLocation, JobTitle: p.JobTitle, Language: p.Language, TimeZone: p.TimeZone,
		Manager: person(p.Manager), Since: moment(p.Since), DeletedAt: moment(p.GoneAt), Ring: p.Ring,
		History: []installMoveJSON{}, Broadcasts: []receiptJSON{}, Next: nextOf(s.Next),
	}
	for _, m := range s.Moves {
		j.History = append(j.History, installMoveJSON{moment(m.At), m.Event, m.Words(), m.Reason, m.Detail})
	}
	for _, r := range s.Receipts {
		row := receiptJSON{
			BroadcastID: r.ID, Kind: r.Kind, Title: r.Title, StartedAt: moment(r.StartedAt), Listed: r.Delivery > 0, Late: r.Late, RecipientID: r.Delivery,
			State: r.State, Reason: r.Reason, Code: r.Code, Detail: r.Detail, Attempts: r.Attempts, MaybeSent: r.MaybeSent, UpdatedAt: moment(r.UpdatedAt),
		}
		if r.Reason != "" {
			row.ReasonText, row.Remedy = r.Reason.Words(), r.Reason.Remedy()
		}
		j.Broadcasts = append(j.Broadcasts, row)
	}
	return j
}
