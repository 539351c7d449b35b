// Package pace measures how fast a broadcast comes along, from the standings its
// readers see, and says when it may be done and how sure that is. It keeps nothing
// across restarts: a few seconds of looking tell it anew.
package pace
