package places

import "time"

// Arrival is that the bot was added to a team.
type Arrival struct {
	Team Place
	At   time.Time
	By   string // who did it; "" if nobody told
}
