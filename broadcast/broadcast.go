package broadcast

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// Broadcast is one message on its way to one audience.
type Broadcast struct {
	ID       ID
	State    State
	Revision int64 // grows by one with every stored change; a stale one is a Conflict
	Message  Message
	Audience Audience

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

	Tally Tally
}

// Hash is the fingerprint of what people will read and who is meant: what an
// approver approves, and what the sender compares before the first message.
func (b *Broadcast) Hash() string {
	return hashOf(b.Message, b.Audience)
}

func hashOf(m Message, a Audience) string {
	// encoding/json writes struct fields in order of declaration, so equal
	// values give equal bytes; no field of either can fail to marshal.
	raw, _ := json.Marshal(struct {
		M Message
		A Audience
	}{m, a})
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Edited tells whether id ever changed this broadcast's message or audience.
func (b *Broadcast) Edited(id EntraID) bool {
	if b.Author.ID == id || b.SubmittedBy.ID == id {
		return true
	}
	for _, e := range b.Editors {
		if e == id {
			return true
		}
	}
	return false
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
