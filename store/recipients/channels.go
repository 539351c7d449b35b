package recipients

import (
	"cmp"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	"github.com/fanfare/fanfare/store/census"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/store/places"
)

// withChannels names the channels among the rows of a page. Where a name is looked for,
// it adds the channels that have it: they are not among the words of people, and there
// are few, so each is read and looked at. Price: a look-up for each channel of the page;
// for a text, an index range of a hundred at most as well.
func withChannels(t *db.Tx, q broadcast.RecipientQuery, rows []view) ([]view, error) {
	words := db.WordsOf(q.Text)
	if len(words) > 0 {
		all := q
		all.Limit = audience.MaxParts
		more, err := read(t, all, "", `AND d.entra_id >= '19:' AND d.entra_id < '19;' `, db.Args{})
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	var ids []string
	for _, r := range rows {
		if audience.IsChannel(r.Row.EntraID) {
			ids = append(ids, r.Row.EntraID)
		}
	}
	if len(ids) == 0 {
		return rows, nil
	}
	labels, err := places.Labels(t, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if label, known := labels[rows[i].Row.EntraID]; known {
			rows[i].Name = label
		}
	}
	if len(words) == 0 {
		return rows, nil
	}
	rows = slices.DeleteFunc(rows, func(r view) bool {
		return audience.IsChannel(r.Row.EntraID) && !census.Begins(db.WordsOf(r.Name), words)
	})
	slices.SortFunc(rows, func(a, b view) int { return cmp.Compare(a.Row.ID, b.Row.ID) })
	return rows[:min(len(rows), q.Limit+1)], nil
}
