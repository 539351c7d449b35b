package broadcast

import "time"

// DeliveryState is where one broadcast to one recipient stands.
type DeliveryState string

// Pending has no address yet. Ready is to be sent, at the earliest at NotBefore:
// a retry is no state of its own, it is ready with a later NotBefore. The others
// are ends.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryReady     DeliveryState = "ready"
	DeliverySent      DeliveryState = "sent"
	DeliveryFailed    DeliveryState = "failed"
	DeliverySkipped   DeliveryState = "skipped"
	DeliveryCancelled DeliveryState = "cancelled"
	DeliveryExpired   DeliveryState = "expired"
)

// DeliveryStates is every state, in the order they are shown. The database CHECK repeats it.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliveryReady, DeliverySent, DeliveryFailed, DeliverySkipped, DeliveryCancelled, DeliveryExpired}
}

// Delivery is one broadcast to one recipient.
type Delivery struct {
	ID        int64
	EntraID   EntraID // of a channel its own ID (audience.IsChannel)
	Name      string  // as the directory has it; "" when unknown
	UPN       string
	Language  string // the person's, BCP 47; read only where the message has variants
	Chunk     int
	State     DeliveryState
	Reason    Reason
	Code      string // Microsoft's error code of the last attempt
	Detail    string // Microsoft's words of the last attempt
	Attempts  int
	NotBefore time.Time
	UpdatedAt time.Time
	// ActivityID is what Teams called the message: the key for edit, recall and receipts.
	ActivityID string
	MaybeSent  bool // an earlier attempt may have arrived (protocol C.3)
	Address    ConversationReference
}

// ConversationReference is an address: where a person's chat with the bot is.
type ConversationReference struct {
	ServiceURL       string
	ConversationID   string
	ChannelAccountID string // the bot's name for the person (29:…); may be unknown
}

// Chunk is some hundreds of deliveries of one broadcast, taken by one worker.
// Outcomes are recorded only under the Fence it was taken with.
type Chunk struct {
	BroadcastID ID
	Number      int
	Wave        int
	Fence       int64
	// OpenTo is the delivery up to which sending may have begun: if the holder dies,
	// only what is open may have arrived. It is stored before anything beyond it is sent.
	OpenTo     int64
	Deliveries []Delivery // ready and due
}

// ErrFenceLost is what the ledger answers when a chunk is not ours any more.
var ErrFenceLost = Errorf(Conflict, "another worker has taken this chunk over")

// Outcome is what became of one attempt at a delivery.
type Outcome struct {
	DeliveryID int64
	EntraID    EntraID
	State      DeliveryState // sent, failed, skipped, or ready for another try
	Reason     Reason
	Status     int // HTTP status of a failed try; 0 for none or a network error
	Code       string
	Detail     string
	ActivityID string
	Attempts   int       // the new count
	NotBefore  time.Time // for ready
	MaybeSent  bool
	At         time.Time
	// NewAddress is an address learned on the way; Forget drops the stored one.
	NewAddress *ConversationReference
	Forget     bool
	// Installation is what the answer says of the bot at this person: removed or
	// blocked; empty says nothing.
	Installation InstallationState
}

// Tally is how far a broadcast has come: every recipient in exactly one state.
type Tally struct {
	Total     int
	Pending   int
	Ready     int
	Sent      int
	Failed    int
	Skipped   int
	Cancelled int
	Expired   int
	// MaybeRepeated counts people among Sent who may have got the message twice.
	MaybeRepeated int
}

// Of is the count of one state.
func (t Tally) Of(s DeliveryState) int {
	if p := t.field(s); p != nil {
		return *p
	}
	return 0
}

// Add changes the count of one state; Total follows, so the parts always add up.
func (t *Tally) Add(s DeliveryState, n int) {
	if p := t.field(s); p != nil {
		*p += n
		t.Total += n
	}
}

func (t *Tally) field(s DeliveryState) *int {
	switch s {
	case DeliveryPending:
		return &t.Pending
	case DeliveryReady:
		return &t.Ready
	case DeliverySent:
		return &t.Sent
	case DeliveryFailed:
		return &t.Failed
	case DeliverySkipped:
		return &t.Skipped
	case DeliveryCancelled:
		return &t.Cancelled
	case DeliveryExpired:
		return &t.Expired
	}
	return nil
}

// Left is how many people still wait for an end.
func (t Tally) Left() int { return t.Pending + t.Ready }

// Done is how many people have reached an end.
func (t Tally) Done() int { return t.Total - t.Left() }

// RecipientQuery asks for a page of a broadcast's deliveries, in the order of
// their IDs. Text matches name or UPN by prefix of any word, case folded.
type RecipientQuery struct {
	BroadcastID ID
	State       DeliveryState // "" for all
	Reason      Reason        // "" for all
	Text        string
	After       int64 // ID of the last row seen
	Limit       int
}

// RecipientPage is one page; Next is the After of the following one, 0 at the end.
type RecipientPage struct {
	Deliveries []Delivery
	Next       int64
}

// ReasonCount is how many deliveries of a broadcast ended in State for Reason.
type ReasonCount struct {
	State  DeliveryState
	Reason Reason
	Count  int
}
