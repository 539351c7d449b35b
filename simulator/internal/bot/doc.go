// Package bot is the painted Teams' way to our bot: it signs activities and
// posts them to the messaging endpoint, late, in parallel, out of order and
// now and then twice, as protocol B.6, D.1 and K rows 8–11 describe.
package bot
