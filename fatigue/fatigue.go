package fatigue

import (
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
)

// Limit is when to warn: if more than Percent of the people would have got more than
// Number announcements in 7 days. Number 0 is never.
type Limit struct {
	Number  int
	Percent float64
}

// Bucket is how many people got From to To announcements; To is 0 for no end.
type Bucket struct{ From, To, People int }

// Strain is how much the people of an audience got lately.
type Strain struct {
	People int      // who would get this one
	Week   []Bucket // those who got any in the last 7 days; empty buckets are left out
	Month  []Bucket // and in the last 30
	Over   int      // who would have got more than the limit's number with this one
	Limit  Limit
}

// The buckets' first numbers.
var (
	weekly  = []int{1, 2, 3, 4, 5}
	monthly = []int{1, 5, 10, 20}
)

// Of makes it of counts.
func Of(got []broadcast.Got, limit Limit) Strain {
	s := Strain{Limit: limit}
	weeks, months := map[int]int{}, map[int]int{}
	for _, g := range got {
		s.People += g.People
		weeks[g.Week] += g.People
		months[g.Month] += g.People
		if limit.Number > 0 && g.Week >= limit.Number {
			s.Over += g.People
		}
	}
	s.Week, s.Month = buckets(weeks, weekly), buckets(months, monthly)
	return s
}

func buckets(counts map[int]int, from []int) (out []Bucket) {
	for i, first := range from {
		b := Bucket{From: first}
		if i+1 < len(from) {
			b.To = from[i+1] - 1
		}
		for n, people := range counts {
			if n >= b.From && (b.To == 0 || n <= b.To) {
				b.People += people
			}
		}
		if b.People > 0 {
			out = append(out, b)
		}
	}
	return out
}

// Words is the bucket's number: "2", "5 to 9", "5 or more".
func (b Bucket) Words() string {
	switch b.To {
	case 0:
		return fmt.Sprintf("%d or more", b.From)
	case b.From:
		return fmt.Sprint(b.From)
	}
	return fmt.Sprintf("%d to %d", b.From, b.To)
}

// Sentences say what people got, shortest window first; none if they got nothing.
func (s Strain) Sentences() (out []string) {
	for _, w := range []struct {
		days    int
		buckets []Bucket
	}{{7, s.Week}, {30, s.Month}} {
		parts := make([]string, len(w.buckets))
		for i, b := range w.buckets {
			of := ""
			if i == 0 {
				of = " of them"
			}
			parts[i] = fmt.Sprintf("%d%s got %s", b.People, of, b.Words())
		}
		if len(parts) > 0 {
			out = append(out, fmt.Sprintf("In the last %d days %s.", w.days, strings.Join(parts, ", ")))
		}
	}
	return out
}

// Warning says that it is too much for too many, in a sentence; "" if it is not.
func (s Strain) Warning() string {
	if s.Over == 0 || s.Limit.Number == 0 || float64(s.Over)*100 <= s.Limit.Percent*float64(s.People) {
		return ""
	}
	announcements := "announcements"
	if s.Limit.Number == 1 {
		announcements = "announcement"
	}
	return fmt.Sprintf("With this one, %d of them (%d %%) would have got more than %d %s within 7 days. Consider whether it can wait, or who really needs it.",
		s.Over, (s.Over*100+s.People/2)/s.People, s.Limit.Number, announcements)
}
