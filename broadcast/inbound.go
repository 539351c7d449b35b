package broadcast

import "time"

// Inbound is one activity Teams posted to the bot, verified and not yet handled.
type Inbound struct {
	ID             int64
	ConversationID string
	ActivityID     string
	Body           []byte
	ReceivedAt     time.Time
	Attempts       int
}
