// Package received counts how many announcements each person got lately, so that a
// head-count can say it within a second: a row for each person who got any.
//
// It is counted anew, some thousands of people at a time, whenever something was sent
// since or a day has passed, out of the deliveries themselves. Nothing is added up as
// it happens: recording outcomes costs nothing more, a crash in between loses nothing
// (the round goes on after the last page), and no mistake can stay. Days begin at
// midnight UTC, and the last 7 days are today and the 7 before it.
package received
