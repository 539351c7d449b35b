package gather

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/places"
)

// Reader reads what the ledger does not know.
type Reader interface {
	// Members yields the people of a group, nested and dynamic ones included, in any
	// order, some perhaps twice; an error ends it. Whoever the ledger did not know is
	// stored before. An *Error names the group in words for people.
	Members(ctx context.Context, g broadcast.Group) iter.Seq2[broadcast.EntraID, error]
	// Groups finds at most limit groups by the beginning of a word of their name, or
	// one by its ID.
	Groups(ctx context.Context, text string, limit int) ([]broadcast.GroupHit, error)
}

// Teams knows the teams the bot is in.
type Teams interface {
	// Members yields everybody in a team, as of the last time its roster was read to its
	// end; an *Error says why nobody can say.
	Members(ctx context.Context, teamID string) iter.Seq2[broadcast.EntraID, error]
	// Named finds teams by the beginning of words of their name, or one by its ID.
	Named(ctx context.Context, text string, limit int) ([]places.TeamHit, error)
	// NamedChannels finds channels that can be written to, the same way, or one by its
	// ID whatever has become of it.
	NamedChannels(ctx context.Context, text string, limit int) ([]places.ChannelHit, error)
}

// Sets is what the ledger remembers of who is in a part.
type Sets interface {
	// NewSet begins a set of a part for an owner.
	NewSet(ctx context.Context, owner string, p audience.Part) (string, error)
	// AddToSet puts people into a set.
	AddToSet(ctx context.Context, set string, people []broadcast.EntraID) error
	// FillSet puts those into a set who are in a part by what the ledger knows.
	FillSet(ctx context.Context, set string, p audience.Part) error
	// KeepSet makes a set, read to its end, the one its owner goes by.
	KeepSet(ctx context.Context, set string) error
	// SetAt is when reading the owner's set of a part began; zero for never.
	SetAt(ctx context.Context, owner string, p audience.Part) (time.Time, error)
}

// Names is what the ledger calls the things a part can name.
type Names interface {
	// FindParts finds people, managers and values of fields by the beginning of a word,
	// at most so many of each kind.
	FindParts(ctx context.Context, text string, limit int) ([]audience.Hit, error)
	// NameOfPerson is a person's name; *Error NotFound for somebody the directory has not.
	NameOfPerson(ctx context.Context, id broadcast.EntraID) (string, error)
	// NameOfList is a list's name and how many people it has; *Error NotFound, in a
	// whole sentence, if it is gone.
	NameOfList(ctx context.Context, p audience.Part) (string, error)
}

// Gatherer implements broadcast.Directory.
type Gatherer struct {
	Reader Reader
	Teams  Teams
	Sets   Sets
	Names  Names
	Now    func() time.Time
}

var _ broadcast.Directory = (*Gatherer)(nil)

// Gather implements broadcast.Directory.
func (g *Gatherer) Gather(ctx context.Context, owner string, a broadcast.Audience, maxAge time.Duration) error {
	for _, p := range a.Parts() {
		if p.Kind == audience.Everyone {
			continue
		}
		at, err := g.Sets.SetAt(ctx, owner, p)
		if err != nil {
			return err
		}
		if !at.IsZero() && g.Now().Sub(at) <= maxAge {
			continue
		}
		if err := g.gather(ctx, owner, p); err != nil {
			return fmt.Errorf("audience part %s %s: %w", p.Kind, p.ID, err)
		}
	}
	return nil
}

// setPage is how many people are stored at a time.
const setPage = 5_000

func (g *Gatherer) gather(ctx context.Context, owner string, p audience.Part) error {
	set, err := g.Sets.NewSet(ctx, owner, p)
	if err != nil {
		return err
	}
	switch p.Kind {
	case audience.Group:
		err = g.members(ctx, set, g.Reader.Members(ctx, broadcast.Group{ID: p.ID, Name: p.Name}))
	case audience.Team:
		err = g.members(ctx, set, g.Teams.Members(ctx, p.ID))
	case audience.Channel:
		err = g.channel(ctx, set, p)
	default:
		err = g.Sets.FillSet(ctx, set, p)
	}
	if err != nil {
		return err
	}
	return g.Sets.KeepSet(ctx, set)
}

// members puts people somebody reads into a set.
func (g *Gatherer) members(ctx context.Context, set string, all iter.Seq2[broadcast.EntraID, error]) error {
	page := make([]broadcast.EntraID, 0, setPage)
	for id, err := range all {
		if err != nil {
			return err
		}
		if page = append(page, id); len(page) < setPage {
			continue
		}
		if err := g.Sets.AddToSet(ctx, set, page); err != nil {
			return err
		}
		page = page[:0]
	}
	if err := g.Sets.AddToSet(ctx, set, page); err != nil {
		return err
	}
	return ctx.Err()
}

// Groups implements broadcast.Directory.
func (g *Gatherer) Groups(ctx context.Context, text string, limit int) ([]broadcast.GroupHit, error) {
	return g.Reader.Groups(ctx, text, limit)
}
