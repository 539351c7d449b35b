package db

import "time"

// Clock is a clock to be set by hand.
type Clock struct{ clock }

// Read has it take up what the database says at a moment of our own clock.
func (c *Clock) Read(at, db time.Time) (right bool) { return c.set(reading{at, db}) }

// Now is what it says.
func (c *Clock) Now() time.Time { return c.now() }
