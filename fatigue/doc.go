// Package fatigue tells, before a broadcast is sent, how much its people got lately:
// an audience that is written to too often stops reading. It warns and never blocks,
// not even an urgent broadcast: what is urgent is for people to judge.
package fatigue
