package census

import (
	"cmp"
	"context"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/db"
)

// knownList is a list as an audience needs it; package store/lists writes them.
type knownList struct {
	ID, Name, ByName string
	People           int
	CreatedAt        int64
}

func (l knownList) label() string { return audience.ListName(l.Name, l.People) }

// fillFromList puts a list's people into a set. That the list is still there is looked
// at afterwards: it goes before its rows do, so whoever read only some of them learns
// of it. Price: one range of list_rows.
func (s Census) fillFromList(ctx context.Context, set string, p audience.Part) error {
	if err := s.fill(ctx, set, `SELECT DISTINCT r.entra_id FROM list_rows r WHERE r.tenant_id = @tenant AND r.list_id = @list AND r.entra_id <> ''`,
		db.Args{"list": strings.ToLower(p.ID)}); err != nil {
		return err
	}
	_, err := s.NameOfList(ctx, p)
	if e := broadcast.AsError(err); e != nil {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: e.Message}
	}
	return err
}

// NameOfList is a list's name and how many people it has; *Error NotFound, in a whole
// sentence, if it is gone.
func (s Census) NameOfList(ctx context.Context, p audience.Part) (string, error) {
	var l knownList
	n, err := s.db.Read(ctx).Scan(&l, `SELECT id, name, people FROM lists WHERE tenant_id = @tenant AND id = @id AND ready`, db.Args{"id": strings.ToLower(p.ID)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "The list “%s” was deleted, so nobody can say who is on it. Take it out of the audience, or upload it again and choose the new one.", cmp.Or(p.Name, p.ID))
	}
	return l.label(), err
}

// maxLists is among how many lists is searched: the newest.
const maxLists = 1_000

// findLists finds lists each of whose words begins one of theirs, the newest first.
func (s Census) findLists(ctx context.Context, words []string, limit int) ([]audience.Hit, error) {
	var all []knownList
	if _, err := s.db.Read(ctx).Scan(&all, `SELECT id, name, by_name, people, created_at FROM lists WHERE tenant_id = @tenant AND ready ORDER BY id DESC LIMIT @limit `, db.Args{"limit": maxLists}); err != nil {
		return nil, err
	}
	var hits []audience.Hit
	for _, l := range all {
		if len(hits) < limit && Begins(wordsOf(l.Name), words) {
			hits = append(hits, audience.Hit{
				Part: audience.Part{Kind: audience.List, ID: l.ID, Name: l.label()},
				Note: "List · by " + l.ByName + " on " + db.Moment(l.CreatedAt).Format("2 January 2006"),
			})
		}
	}
	return hits, nil
}
