package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

type deliveryRow struct {
	TenantID    string
	ID          int64 `gorm:"primaryKey;autoIncrement"`
	BroadcastID string
	EntraID     string
	Chunk       int
	State       string
	Reason      string
	Code        string
	Detail      string
	Attempts    int
	NotBefore   int64
	ActivityID  string
	MaybeSent   bool
	UpdatedAt   int64 `gorm:"autoUpdateTime:false"`
}

func (deliveryRow) TableName() string { return "deliveries" }

// deliveryView is a delivery with what other tables know of its person.
type deliveryView struct {
	Row                                          deliveryRow `gorm:"embedded"`
	Name, UPN                                    string
	ServiceURL, ConversationID, ChannelAccountID string
	Bot                                          broadcast.InstallationState // where it was asked for
}

func (v deliveryView) delivery() broadcast.Delivery {
	r := v.Row
	return broadcast.Delivery{
		ID: r.ID, EntraID: broadcast.EntraID(r.EntraID), Name: v.Name, UPN: v.UPN, Chunk: r.Chunk,
		State: broadcast.DeliveryState(r.State), Reason: broadcast.Reason(r.Reason), Code: r.Code, Detail: r.Detail,
		Attempts: r.Attempts, NotBefore: db.Moment(r.NotBefore), UpdatedAt: db.Moment(r.UpdatedAt),
		ActivityID: r.ActivityID, MaybeSent: r.MaybeSent,
		Address: broadcast.ConversationReference{ServiceURL: v.ServiceURL, ConversationID: v.ConversationID, ChannelAccountID: v.ChannelAccountID},
	}
}

// tallyCounts are the columns of tallies that count; a law test compares them
// with broadcast.DeliveryStates.
type tallyCounts struct {
	Pending, Ready, Sent, Failed, Skipped, Cancelled, Expired, MaybeRepeated int
}

const countColumns = `y.pending, y.ready, y.sent, y.failed, y.skipped, y.cancelled, y.expired, y.maybe_repeated`

type tallyRow struct {
	TenantID    string
	BroadcastID string
	Counts      tallyCounts `gorm:"embedded"`
}

func (tallyRow) TableName() string { return "tallies" }

func (c tallyCounts) tally() broadcast.Tally {
	t := broadcast.Tally{
		Pending: c.Pending, Ready: c.Ready, Sent: c.Sent, Failed: c.Failed, Skipped: c.Skipped,
		Cancelled: c.Cancelled, Expired: c.Expired, MaybeRepeated: c.MaybeRepeated,
	}
	for _, state := range broadcast.DeliveryStates() {
		t.Total += t.Of(state)
	}
	return t
}

func (c *tallyCounts) add(state broadcast.DeliveryState, n int) {
	t := c.tally()
	t.Add(state, n)
	*c = tallyCounts{t.Pending, t.Ready, t.Sent, t.Failed, t.Skipped, t.Cancelled, t.Expired, t.MaybeRepeated}
}

// Recipients reads one page. Price: one index range whatever the filter; see
// narrow for texts.
func (s *Store) Recipients(ctx context.Context, q broadcast.RecipientQuery) (broadcast.RecipientPage, error) {
	r := s.read(ctx)
	a := db.Args{"id": string(q.BroadcastID), "after": q.After, "limit": q.Limit + 1}
	join, where, err := r.narrow("d", wordsOf(q.Text), a)
	if err != nil {
		return broadcast.RecipientPage{}, err
	}
	stmt := `SELECT d.*, COALESCE(p.name, '') AS name, COALESCE(p.upn, '') AS upn, i.service_url, i.conversation_id, i.channel_account_id
		FROM deliveries d ` + join + `
		LEFT JOIN people p ON p.tenant_id = d.tenant_id AND p.entra_id = d.entra_id
		LEFT JOIN installations i ON i.tenant_id = d.tenant_id AND i.entra_id = d.entra_id
		WHERE d.tenant_id = @tenant AND d.broadcast_id = @id AND d.id > @after ` + where
	if q.State != "" {
		stmt += `AND d.state = @state `
		a["state"] = string(q.State)
	}
	if q.Reason != "" {
		stmt += `AND d.reason <> '' AND d.reason = @reason `
		a["reason"] = string(q.Reason)
	}
	var rows []deliveryView
	if _, err := r.Scan(&rows, stmt+`ORDER BY d.id LIMIT @limit `, a); err != nil {
		return broadcast.RecipientPage{}, err
	}
	var page broadcast.RecipientPage
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.Next = rows[q.Limit-1].Row.ID
	}
	page.Deliveries = db.Each(rows, deliveryView.delivery)
	return page, nil
}

// Reasons counts a broadcast's deliveries by state and reason, only those with a
// reason. Price: the index of those, which leaves out whoever simply got it.
func (s *Store) Reasons(ctx context.Context, id broadcast.ID) ([]broadcast.ReasonCount, error) {
	var counts []broadcast.ReasonCount
	_, err := s.read(ctx).Scan(&counts, `SELECT state, reason, count(*) AS count FROM deliveries
		WHERE tenant_id = @tenant AND broadcast_id = @id AND reason <> '' GROUP BY state, reason ORDER BY count(*) DESC, state, reason`,
		db.Args{"id": string(id)})
	return counts, err
}

// LastSent is the newest broadcast that was sent to a person. Price: one look-up
// by unique key for each broadcast, newest first, until one is found.
func (s *Store) LastSent(ctx context.Context, id broadcast.EntraID) (broadcast.ID, error) {
	var last string // of a type of our own, GORM does not count the row
	n, err := s.read(ctx).Scan(&last, `SELECT b.id FROM broadcasts b
		JOIN deliveries d ON d.tenant_id = b.tenant_id AND d.broadcast_id = b.id AND d.entra_id = @person
		WHERE b.tenant_id = @tenant AND b.started_at > 0 AND d.state = 'sent' ORDER BY b.id DESC LIMIT 1`, db.Args{"person": string(id)})
	if err == nil && n == 0 {
		err = broadcast.Errorf(broadcast.NotFound, "Nothing has been sent to this person yet.")
	}
	return broadcast.ID(last), err
}

// wordsOf splits texts into the words people search by: runs of letters and
// digits, lower-cased, each once.
func wordsOf(texts ...string) []string {
	var words []string
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(db.Clean(text, 0)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return words
}

// searchOf is people.search: every word after a space.
func searchOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ")
}

// fewPeople is up to how many matches of a word are looked up one by one; with
// more, a page fills soon by reading in order and looking at each person.
const fewPeople = 5_000

// narrow makes a statement find only people who have words beginning with each of
// the given ones. It returns what to join, and the condition; alias is the table
// whose entra_id is the person, p must be joined as people. Price: with a rare word
// an index range of people_words and a look-up per match; with common ones only, a
// look at each row until the page is full. What it never does is read everybody
// for a word that nobody has.
func (t *tx) narrow(alias string, words []string, a db.Args) (join, where string, err error) {
	if len(words) == 0 {
		return "", "", nil
	}
	a["word"] = slices.MaxFunc(words, func(x, y string) int { return len(x) - len(y) }) // the rarest, as a rule
	a["word_end"], a["few"] = a["word"].(string)+"\U0010FFFF", fewPeople+1
	var ids []broadcast.EntraID
	if _, err := t.Scan(&ids, `SELECT entra_id FROM people_words WHERE tenant_id = @tenant AND word >= @word AND word < @word_end LIMIT @few `, a); err != nil {
		return "", "", err
	}
	var like []string
	for i, w := range words {
		name := fmt.Sprintf("like%d", i)
		a[name] = "% " + w + "%"
		like = append(like, "n.search LIKE @"+name+" ")
	}
	// A scalar subquery, which no planner turns into a join that reads all people.
	where = "AND (SELECT " + strings.Join(like, "AND ") + "FROM people n WHERE n.tenant_id = @tenant AND n.entra_id = " + alias + ".entra_id) "
	if len(ids) > fewPeople {
		return "", where, nil
	}
	slices.Sort(ids) // somebody may have two words that begin alike
	if a["people"], err = people(slices.Compact(ids)); err != nil {
		return "", "", err
	}
	return "JOIN " + t.Rows("people", "entra_id text") + " AS f ON f.entra_id = " + alias + ".entra_id ", where, nil
}
