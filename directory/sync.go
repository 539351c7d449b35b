package directory

import (
	"context"
	"errors"
	"net/url"

	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
)

// Sync reads what changed in the directory since the last time, or everything if
// there was none, and now and then who reports to whom. It goes on where a killed
// one stood. Errors are passing: the next Sync goes on from what was stored. Why it
// failed is stored in a sentence for administrators until one succeeds.
func (d *Directory) Sync(ctx context.Context) error {
	err := d.readPeople(ctx)
	trouble := err
	if err == nil {
		trouble = d.readManagers(ctx)
	}
	if trouble != nil && ctx.Err() != nil {
		return trouble // stopped, or its time is over: it goes on the next time
	}
	if err == nil && trouble != nil { // newcomers need not wait for their managers
		trouble = &managersError{trouble}
		d.log.WarnContext(ctx, "who reports to whom was not read", "error", trouble)
	}
	return errors.Join(err, d.people.SyncEnded(ctx, problemOf(trouble)))
}

func (d *Directory) readPeople(ctx context.Context) error {
	at, err := d.people.Cursor(ctx)
	if err != nil {
		return err
	}
	if at.Link == "" {
		at = anew(at)
	}
	for resynced := false; ; {
		next, err := d.round(ctx, at)
		switch {
		case graph.MustResync(err) && !resynced:
			d.log.WarnContext(ctx, "Graph forgot where we stood: reading the whole directory anew", "error", err)
			at, resynced = anew(at), true
			continue
		case err != nil:
			return err
		case !at.Full:
			return nil
		}
		// A full read takes long; at once comes what changed meanwhile, such as
		// people who came too late for it.
		d.log.InfoContext(ctx, "the directory was read to its end", "round", at.Round)
		at = next
	}
}

// anew is the cursor that begins a full read.
func anew(at person.Cursor) person.Cursor {
	return person.Cursor{Round: at.Round + 1, Full: true, FinishedAt: at.FinishedAt}
}

// round reads from a cursor to the end of its round and returns the cursor to go
// on from. Each page is stored together with the link to the next one.
func (d *Directory) round(ctx context.Context, at person.Cursor) (person.Cursor, error) {
	for {
		page, err := d.page(ctx, deltaRequest(at.Link))
		if err != nil {
			return at, err
		}
		patches := d.patches(page.Items)
		if page.Next == "" {
			return d.finish(ctx, at, page.Delta, patches)
		}
		if page.Next == at.Link {
			return at, errors.New("directory: Graph's next page is the same page again")
		}
		at.Link = page.Next
		if err := d.people.SavePeople(ctx, patches, &at); err != nil {
			return at, err
		}
	}
}

func deltaRequest(link string) graph.Request {
	if link != "" {
		return graph.Request{Link: link}
	}
	return graph.Request{Path: "/users/delta", Query: url.Values{"$select": {fields}}}
}

// finish stores the last page of a round. After a full read the cursor still
// leads to that page until EndRound, so that a crash in between reads it again.
func (d *Directory) finish(ctx context.Context, at person.Cursor, delta string, patches []person.Patch) (person.Cursor, error) {
	if delta == "" {
		return at, errors.New("directory: Graph's page leads nowhere: neither a next page nor a delta link")
	}
	done := person.Cursor{Link: delta, Round: at.Round, FinishedAt: d.now()}
	if !at.Full {
		return done, d.people.SavePeople(ctx, patches, &done)
	}
	if err := d.people.SavePeople(ctx, patches, &at); err != nil {
		return at, err
	}
	return done, d.people.EndRound(ctx, done)
}
