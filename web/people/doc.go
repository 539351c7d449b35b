// Package people is the part of the door where anybody with a role looks people up:
// who they are, how the app stands at them, and why they did or did not get what.
//
//	/people?q=  ─► Find  ─► a list of people
//	/people/:id ─► Story ─► "Why did Ada not get it?" in one page
package people
