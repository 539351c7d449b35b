package store

import "github.com/fanfare/fanfare/broadcast"

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
