package words

import (
	"github.com/fanfare/fanfare/broadcast"
)

// Channels is a count of channels with its noun.
func Channels(n int) string {
	if n == 1 {
		return "1 channel"
	}
	return Num(n) + " channels"
}

// Count is so many of those an audience means, whichever they are: people, channels, or,
// where it means both, recipients.
func Count(a broadcast.Audience, n int) string {
	switch {
	case len(a.Channels()) == 0:
		return People(n)
	case len(a.People().Include) == 0:
		return Channels(n)
	case n == 1:
		return "1 recipient"
	}
	return Num(n) + " recipients"
}

// Whole is all of those an audience means, whole of them: "1,204 people and 2 channels".
func Whole(a broadcast.Audience, whole int) string {
	channels := len(a.Channels())
	if channels == 0 || len(a.People().Include) == 0 || whole < channels {
		return Count(a, whole)
	}
	return both(whole-channels, channels)
}

// Reached is who and what would get a message now.
func Reached(r broadcast.Reach) string {
	if r.Channels > 0 && r.Total == 0 {
		return Channels(r.Channels)
	}
	return both(r.Reachable(), r.Channels)
}

// Meant is who and what is meant, whether they would get it or not.
func Meant(r broadcast.Reach) string {
	r.Ready, r.Waiting = r.Total, 0
	return Reached(r)
}

func both(people, channels int) string {
	if channels == 0 {
		return People(people)
	}
	return People(people) + " and " + Channels(channels)
}
