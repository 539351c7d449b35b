package broadcast

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// ID names a broadcast: a UUIDv7, so that IDs sort by the time of creation.
type ID string

// NewID makes an ID whose leading bits are the time now (RFC 9562, section 5.7).
func NewID(now time.Time) ID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return ID(fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}

// BroadcastKind says what a broadcast does with its message.
type BroadcastKind string

// An announcement is sent. An edit replaces the message of its Target where it was
// received, a recall deletes it there: both go the way of any broadcast, over the
// Target's recipients, with a tally of their own. A welcome stands (Welcomes); a
// post says in a team what the welcome that is its Target says there.
const (
	KindAnnouncement BroadcastKind = "announcement"
	KindEdit         BroadcastKind = "edit"
	KindRecall       BroadcastKind = "recall"
	KindWelcome      BroadcastKind = "welcome"
	KindPost         BroadcastKind = "post"
)

// BroadcastKinds is every kind. The database CHECK repeats it.
func BroadcastKinds() []BroadcastKind {
	return []BroadcastKind{KindAnnouncement, KindEdit, KindRecall, KindWelcome, KindPost}
}

// Changes tells whether a broadcast of this kind changes messages that are there, which
// does no harm when it is done twice.
func (k BroadcastKind) Changes() bool { return k == KindEdit || k == KindRecall }

// Proposal is what an author decides: what people read, who is meant, how it is sent.
type Proposal struct {
	Message  Message
	Audience Audience
	Plan     Plan
}

// Broadcast is one message on its way to one audience.
type Broadcast struct {
	ID       ID
	Kind     BroadcastKind
	Target   ID // of an edit or a recall: the announcement it changes
	State    State
	Revision int64 // grows by one with every stored change; a stale one is a Conflict
	Message  Message
	Audience Audience
	Plan     Plan

	Author      ActorRef
	Editors     []EntraID // everybody who ever changed message or audience: none of them may approve
	SubmittedBy ActorRef
	ApprovedBy  ActorRef
	// ApprovedHash is the Hash the approver read. Only a broadcast whose Hash
	// still equals it is ever sent.
	ApprovedHash string
	Reason       string // why it was rejected, paused, cancelled or failed: a sentence for people

	DueAt      time.Time // when a scheduled broadcast starts
	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  time.Time // when Send was pressed (or the schedule released it)
	FinishedAt time.Time

	// Expected is the head-count the list of recipients was frozen at; known before
	// the list is written to its end, which is at ListedAt.
	Expected int
	ListedAt time.Time
	// Wave is which chunks may be sent: 0 only the canary's, 1 all.
	Wave int
	// RetryAt is set while failed people (of RetryReason, if one is set) are being
	// made ready again: those who failed up to then.
	RetryAt     time.Time
	RetryReason Reason
	RecalledAt  time.Time // when a recall of it began
	Halted      bool      // paused by a Halt, and resumed with it
	LateCount   int       // people taken in after the list was frozen

	Tally Tally
}

// Proposal is the author's part of a broadcast.
func (b *Broadcast) Proposal() Proposal { return Proposal{b.Message, b.Audience, b.Plan} }

// Hash is the fingerprint of what people will read, who is meant and how it is
// sent: what an approver approves, and what the sender compares before the first
// message.
func (b *Broadcast) Hash() string {
	// encoding/json writes struct fields in order of declaration, so equal values
	// give equal bytes; no field can fail to marshal. What was added later is left
	// out when empty, so that hashes stored before still hold.
	print := struct {
		M any
		A any
		P *Plan  `json:",omitempty"`
		T string `json:",omitempty"`
	}{M: b.Message.Print(), A: b.Audience.Print()}
	if b.Plan != (Plan{}) {
		print.P = &b.Plan
	}
	if b.Kind.Changes() {
		print.T = string(b.Kind) + " " + string(b.Target)
	}
	if b.Welcomes() {
		print.T = string(b.Kind)
	}
	raw, _ := json.Marshal(print)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Edited tells whether id ever changed this broadcast's message or audience.
func (b *Broadcast) Edited(id EntraID) bool {
	return b.Author.ID == id || b.SubmittedBy.ID == id || slices.Contains(b.Editors, id)
}

// Move is one line of the audit trail: who did what to a broadcast, and when.
type Move struct {
	BroadcastID ID
	Event       Event
	From, To    State
	By          ActorRef
	At          time.Time
	Note        string // the reason given, if any
	Hash        string // Hash of the broadcast at that moment
}
