package bot

import (
	"context"
	"encoding/json"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// early is how long Graph's answer waits for an event that shall overtake it.
const early = 2 * time.Second

// Installed tells the bot that it was installed: both events, each with its own
// delay, so in either order. Now and then the first arrives before it returns,
// that is before Graph's 201.
func (s *Sender) Installed(ctx context.Context, p tenant.Person) {
	snap := s.w.Dials.Now()
	if snap.EventNever || p.Kind == dials.Silent {
		return
	}
	limit := time.Duration(snap.EventDelayMS) * time.Millisecond
	first, second := s.added(p), s.installation(p, "add")
	if s.w.Chance(snap.EventEarlyPerMille) {
		ctx, cancel := context.WithTimeout(ctx, early)
		select {
		case <-s.later(0, first):
		case <-ctx.Done():
		}
		cancel()
	} else {
		s.jittered(limit, first)
	}
	s.jittered(limit, second)
	if p.Kind == dials.Removed && s.w.Tenant.Uninstall(p.Number) {
		s.later(limit+limit/4, s.installation(p, "remove"))
	}
}

// jittered sends an activity within the limit, sometimes twice.
func (s *Sender) jittered(limit time.Duration, a fields) {
	s.later(s.w.Up(limit), a)
	if s.w.Chance(s.w.Dials.Now().EventDuplicatePerMille) {
		again := fields{}
		for k, v := range a { // a retry with a new ID must not change the other copy
			again[k] = v
		}
		s.later(s.w.Up(limit), again)
	}
}

// InstalledByHand is a person adding the app: the events come at once.
func (s *Sender) InstalledByHand(p tenant.Person) {
	s.later(0, s.added(p))
	s.later(0, s.installation(p, "add"))
}

// Removed tells the bot that it was removed.
func (s *Sender) Removed(p tenant.Person) { s.later(0, s.installation(p, "remove")) }

// Upgraded tells the bot that its app was upgraded (protocol D.2).
func (s *Sender) Upgraded(p tenant.Person) {
	s.later(0, s.installation(p, "remove-upgrade"))
	s.later(0, s.installation(p, "add-upgrade"))
}

// Said tells the bot what a person typed.
func (s *Sender) Said(p tenant.Person, messageID, text string) {
	s.later(0, s.message(p, messageID, text))
}

// Submitted tells the bot that a button with Action.Submit was clicked.
func (s *Sender) Submitted(p tenant.Person, replyTo string, value json.RawMessage) {
	s.later(0, s.submit(p, replyTo, value))
}

// Reacted tells the bot of a reaction.
func (s *Sender) Reacted(p tenant.Person, messageID, kind string, removed bool) {
	s.later(0, s.reaction(p, messageID, kind, removed))
}

// HasRead tells the bot what was read, if anybody may know it.
func (s *Sender) HasRead(p tenant.Person, last string) bool {
	if !s.w.Dials.Now().ReadReceipts {
		return false
	}
	s.later(0, s.receipt(p, last))
	return true
}
