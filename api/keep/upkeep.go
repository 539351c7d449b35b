package keep

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/join"
	"github.com/fanfare/fanfare/upkeep"
)

// Door serves it.
type Door struct {
	upkeep *upkeep.Service
	joins  *join.Service
}

// New makes the door.
func New(u *upkeep.Service, j *join.Service) *Door { return &Door{u, j} }

type byJSON struct {
	ID   broadcast.EntraID `json:"id"`
	Name string            `json:"name"`
}

func by(a broadcast.ActorRef) *byJSON {
	if a.ID == "" {
		return nil
	}
	return &byJSON{a.ID, a.Name}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

type standingJSON struct {
	Pass      *passJSON     `json:"pass"`      // the live one, else the last; null if there was none
	Repairs   bool          `json:"repairs"`   // apps that vanished are put back by themselves where that is safe
	Vanished  int           `json:"vanished"`  // people an admin may put the app back for
	Published *string       `json:"published"` // the catalogue's newest version
	AskedAt   *time.Time    `json:"published_at"`
	Trouble   *string       `json:"published_problem"`
	Versions  []versionJSON `json:"versions"`
}

type passJSON struct {
	Number   int         `json:"number"`
	State    string      `json:"state"`
	Cause    string      `json:"cause"`
	Upgrades bool        `json:"upgrades"`
	Version  *string     `json:"version"`
	By       *byJSON     `json:"by"`
	BegunAt  time.Time   `json:"begun_at"`
	EndedAt  *time.Time  `json:"ended_at"`
	Total    int         `json:"total"`
	Looked   int         `json:"looked"`
	Problem  *string     `json:"problem"`
	RestTill *time.Time  `json:"rests_until"`
	Found    []foundJSON `json:"found"`
}

type foundJSON struct {
	Finding string  `json:"finding"`
	Reason  *string `json:"reason"`
	Words   *string `json:"reason_text"`
	Remedy  *string `json:"remedy"`
	People  int     `json:"people"`
}

type versionJSON struct {
	Version *string `json:"version"` // null while nobody has looked
	People  int     `json:"people"`
}

func passOf(s upkeep.Standing) *passJSON {
	p := s.Pass
	if p == nil {
		return nil
	}
	out := &passJSON{
		Number: p.Number, State: string(p.State), Cause: string(p.Cause), Upgrades: p.Upgrades, Version: text(p.Version), By: by(p.By), BegunAt: p.BegunAt,
		EndedAt: moment(p.EndedAt), Total: p.Total, Looked: p.Looked, Problem: text(p.Problem), RestTill: moment(p.RestTill), Found: []foundJSON{},
	}
	for _, c := range s.Found {
		f := foundJSON{Finding: string(c.Finding), People: c.People}
		if c.Reason != "" {
			reason := string(c.Reason)
			f.Reason, f.Words, f.Remedy = &reason, text(c.Reason.Words()), text(c.Reason.Remedy())
		}
		out.Found = append(out.Found, f)
	}
	return out
}

// Show is GET /upkeep.
func (d *Door) Show(c *gin.Context, a broadcast.Actor) error {
	s, err := d.upkeep.Standing(c.Request.Context(), a)
	if err != nil {
		return err
	}
	versions, err := d.upkeep.Versions(c.Request.Context(), a)
	if err != nil {
		return err
	}
	out := standingJSON{
		Pass: passOf(s), Repairs: s.Repairs, Vanished: s.Vanished, Published: text(s.Published), AskedAt: moment(s.AskedAt), Trouble: text(s.Trouble), Versions: []versionJSON{},
	}
	for _, v := range versions {
		out.Versions = append(out.Versions, versionJSON{text(v.Version), v.People})
	}
	c.JSON(http.StatusOK, out)
	return nil
}

// Check is POST /upkeep/check: look at everybody, and change nothing of theirs but what
// the ledger has to know. Upgrade is POST /upkeep/upgrade.
func (d *Door) Check(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Begin(c.Request.Context(), a, false))
}

// Upgrade is POST /upkeep/upgrade.
func (d *Door) Upgrade(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Begin(c.Request.Context(), a, true))
}

// Pause is POST /upkeep/pause.
func (d *Door) Pause(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Pause(c.Request.Context(), a))
}

// Resume is POST /upkeep/resume.
func (d *Door) Resume(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Resume(c.Request.Context(), a))
}

// Stop is POST /upkeep/stop.
func (d *Door) Stop(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Stop(c.Request.Context(), a))
}

// RepairOn is POST /upkeep/repair/on.
func (d *Door) RepairOn(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Repair(c.Request.Context(), a, true))
}

// RepairOff is POST /upkeep/repair/off.
func (d *Door) RepairOff(c *gin.Context, a broadcast.Actor) error {
	return d.after(c, a, d.upkeep.Repair(c.Request.Context(), a, false))
}

// PutBack is POST /upkeep/put-back.
func (d *Door) PutBack(c *gin.Context, a broadcast.Actor) error {
	_, err := d.upkeep.PutBack(c.Request.Context(), a)
	return d.after(c, a, err)
}

// after answers what was done with how it stands now.
func (d *Door) after(c *gin.Context, a broadcast.Actor, err error) error {
	if err != nil {
		return err
	}
	return d.Show(c, a)
}
