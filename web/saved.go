package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	listed "github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/web/form"
)

// shelf is the saved audiences beside the editor's search.
type shelf struct {
	Saved   []savedOption
	Done    string // what just happened, in a sentence
	Problem string // about the name
}

// Open tells whether the shelf is what somebody is busy with.
func (s shelf) Open() bool { return s.Done != "" || s.Problem != "" }

// savedOption is a saved audience as the editor offers it: Parts is what its module puts
// into the form.
type savedOption struct {
	ID    broadcast.ID `json:"id"`
	Words string       `json:"words"`
	Parts string       `json:"parts"`
}

type savedParts struct {
	Everyone bool         `json:"everyone"`
	Include  []partAnswer `json:"include"`
	Exclude  []partAnswer `json:"exclude"`
}

func optionOf(s listed.Saved) savedOption {
	chips := func(parts []audience.Part) []partAnswer {
		out := []partAnswer{}
		for _, p := range parts {
			if p.Kind != audience.Everyone {
				out = append(out, partAnswer{Value: form.PartValue(p), Key: p.Key(), Name: p.Words()})
			}
		}
		return out
	}
	raw, _ := json.Marshal(savedParts{s.Audience.Has(audience.Everyone), chips(s.Audience.Include), chips(s.Audience.Exclude)}) // texts cannot fail to marshal
	return savedOption{s.ID, s.Name + " · " + short(s.Audience) + " · by " + s.By.Name + ", " + s.CreatedAt.Format("2 Jan 2006"), string(raw)}
}

// short is the beginning of who is meant: an option has one line.
func short(a broadcast.Audience) string {
	const most = 80
	if r := []rune(a.Words()); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return a.Words()
}

func (d *Door) savedOptions(ctx context.Context, a broadcast.Actor) ([]savedOption, error) {
	all, err := d.o.Lists.SavedAudiences(ctx, a)
	out := make([]savedOption, len(all))
	for i, s := range all {
		out[i] = optionOf(s)
	}
	return out, err
}

// useSaved copies a saved audience's parts into the form, for people without script.
func (d *Door) useSaved(ctx context.Context, a broadcast.Actor, f *form.Draft) (shelf, error) {
	s, err := d.o.Lists.SavedAudience(ctx, a, broadcast.ID(f.Saved))
	if err != nil {
		return shelf{}, err
	}
	f.Use(s.Audience)
	return shelf{Done: "The audience is now that of “" + s.Name + "”."}, nil
}

// keepSaved keeps the form's audience under a name, for people without script.
func (d *Door) keepSaved(ctx context.Context, a broadcast.Actor, f form.Draft) (shelf, error) {
	s, err := d.o.Lists.SaveAudience(ctx, a, f.SaveAs, f.Audience)
	if e := broadcast.AsError(err); e != nil {
		return shelf{Problem: e.Message}, nil
	}
	return shelf{Done: keptAs(s)}, err
}

func keptAs(s listed.Saved) string {
	return "Saved as “" + s.Name + "”, for everybody who writes."
}

type savedAnswer struct {
	savedOption
	Said string `json:"said"`
}

// saveAudience keeps the audience of the form somebody is writing.
func (d *Door) saveAudience(c *gin.Context, a broadcast.Actor) error {
	f, err := readDraft(c)
	if err != nil {
		return err
	}
	s, err := d.o.Lists.SaveAudience(c.Request.Context(), a, f.SaveAs, f.Audience)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, savedAnswer{optionOf(s), keptAs(s)})
	return nil
}
