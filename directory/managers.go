package directory

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
)

// readManagers reads who reports to whom, if it is time to. A delta round cannot
// say it (protocol G.1: $expand is unsupported), so everybody is asked for once
// more, with nothing but that. It goes on where one that broke off stood.
func (d *Directory) readManagers(ctx context.Context) error {
	at, err := d.people.ManagerCursor(ctx)
	if err != nil {
		return err
	}
	if at.Link == "" && d.now().Sub(at.FinishedAt) < d.every {
		return nil
	}
	err = d.managersFrom(ctx, at)
	// A link Graph does not know any more: once from the beginning.
	if status := graph.Status(err); at.Link != "" && (status == http.StatusBadRequest || status == http.StatusGone) {
		at.Link = ""
		err = d.managersFrom(ctx, at)
	}
	return err
}

// managersFrom reads to the end. Each page is stored together with the link to the
// next one.
func (d *Directory) managersFrom(ctx context.Context, at person.ManagerCursor) error {
	request := graph.Request{Link: at.Link}
	if at.Link == "" {
		request = graph.Request{Path: "/users", Query: url.Values{"$select": {"id"}, "$expand": {"manager($select=id)"}, "$top": {"999"}}}
	}
	for {
		var page *graph.Page[*subordinate]
		if err := d.patiently(ctx, func() (err error) {
			page, err = graph.GetPage[*subordinate](ctx, d.graph, request, newSubordinate)
			return err
		}); err != nil {
			return err
		}
		if page.Next != "" && page.Next == request.Link {
			return errors.New("directory: the next page of managers is the same page again")
		}
		if at.Link = page.Next; at.Link == "" {
			at.FinishedAt = d.now()
		}
		if err := d.people.SaveManagers(ctx, reports(page.Items), at); err != nil || page.Next == "" {
			return err
		}
		request = graph.Request{Link: page.Next}
	}
}

// reports are those of a page whose manager, or that they have none, was told.
func reports(page []*subordinate) []person.Report {
	out := make([]person.Report, 0, len(page))
	for _, s := range page {
		if s.id != "" && !s.unreadable {
			out = append(out, person.Report{EntraID: broadcast.EntraID(folded(s.id)), Manager: broadcast.EntraID(folded(s.manager.id))})
		}
	}
	return out
}

// subordinate is a user with nothing but their manager. Graph leaves the manager
// out where there is none.
type subordinate struct {
	id         string
	manager    superior
	unreadable bool // there is one, and Graph does not say who
}

func newSubordinate(serialization.ParseNode) (serialization.Parsable, error) {
	return &subordinate{}, nil
}

// GetFieldDeserializers implements serialization.Parsable.
func (s *subordinate) GetFieldDeserializers() graph.Fields {
	return graph.Fields{
		"id": graph.String(&s.id),
		"manager": func(n serialization.ParseNode) error {
			value, err := n.GetObjectValue(newSuperior)
			if m, ok := value.(*superior); ok && m != nil {
				s.manager, s.unreadable = *m, m.id == ""
			}
			return err
		},
	}
}

// Serialize implements serialization.Parsable; one is never sent.
func (*subordinate) Serialize(serialization.SerializationWriter) error { return nil }

// superior is a manager as Graph expands one.
type superior struct{ id string }

func newSuperior(serialization.ParseNode) (serialization.Parsable, error) { return &superior{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (s *superior) GetFieldDeserializers() graph.Fields {
	return graph.Fields{"id": graph.String(&s.id)}
}

// Serialize implements serialization.Parsable; one is never sent.
func (*superior) Serialize(serialization.SerializationWriter) error { return nil }
