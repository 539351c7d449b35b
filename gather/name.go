package gather

import (
	"cmp"
	"context"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// NameOf implements broadcast.Directory.
func (g *Gatherer) NameOf(ctx context.Context, p audience.Part) (string, error) {
	switch p.Kind {
	case audience.Group:
		return g.nameOfGroup(ctx, p)
	case audience.Team:
		teams, err := g.Teams.Named(ctx, p.ID, 1)
		if err == nil && len(teams) == 0 {
			err = broadcast.Errorf(broadcast.NotFound, "The bot is not in the team “%s” any more. Choose another one.", cmp.Or(p.Name, p.ID))
		}
		if err != nil {
			return "", err
		}
		return teams[0].Place.Words(), nil
	case audience.Channel:
		h, err := g.openChannel(ctx, p)
		if err != nil {
			return "", err
		}
		return h.Label(), nil
	case audience.Person, audience.Reports:
		name, err := g.Names.NameOfPerson(ctx, broadcast.EntraID(p.ID))
		if broadcast.IsCode(err, broadcast.NotFound) {
			return "", broadcast.Errorf(broadcast.NotFound, "“%s” is not in the directory any more. Choose somebody else.", cmp.Or(p.Name, p.ID))
		}
		return name, err
	case audience.List:
		return g.Names.NameOfList(ctx, p)
	}
	return "", nil
}

func (g *Gatherer) nameOfGroup(ctx context.Context, p audience.Part) (string, error) {
	hits, err := g.Reader.Groups(ctx, p.ID, 1)
	if err != nil {
		return "", err
	}
	if len(hits) == 0 || !strings.EqualFold(hits[0].ID, p.ID) {
		return "", broadcast.Errorf(broadcast.NotFound, "The group “%s” is not in the directory any more. Choose another one.", cmp.Or(p.Name, p.ID))
	}
	return hits[0].Name, nil
}
