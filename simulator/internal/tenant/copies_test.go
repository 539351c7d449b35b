package tenant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// recount is what a broadcast's tally must be, counted from the chats.
func recount(c *Tenant, key string) (want Tally) {
	c.EachCopies(key, 0, func(_ int, p Copies) bool {
		for counter, counts := range map[*int64]bool{
			&want.Reached: p.Got > 0, &want.Repeated: p.Got > 1, &want.Holding: p.Held > 0, &want.HoldingTwice: p.Held > 1,
			&want.Edited: p.Edited > 0, &want.Unedited: p.Held > p.Edited, &want.Deleted: p.Deleted > 0,
		} {
			if counts {
				*counter++
			}
		}
		want.Messages += int64(p.Got)
		want.Repeats += int64(p.Got - 1)
		want.Unheard += int64(p.Unheard)
		return true
	})
	return want
}

// lines is what the chats show of a broadcast's words.
func lines(c *Tenant, people int, key string) (shown int64) {
	for n := 1; n <= people; n++ {
		for _, m := range c.View(n, true).Messages {
			if !m.Deleted && m.of != nil && m.Activity.Broadcast == key {
				shown++
			}
		}
	}
	return shown
}

// TestTheTallyIsWhatTheChatsHold does anything to a few chats, saves and loads
// them, and counts again.
func TestTheTallyIsWhatTheChatsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const people = 4
		c := contoso(people)
		c.Dials.Set(func(d *dials.Dials) { d.ThreadLimits = false })
		keys := []string{"a", "b", "edit of a"}
		var sent [people + 1][]string
		for n := 1; n <= people; n++ {
			c.Install(n)
		}
		for i := range rapid.IntRange(0, 80).Draw(t, "acts") {
			n := rapid.IntRange(1, people).Draw(t, "person")
			a := &Activity{Type: "message", Text: fmt.Sprint(i), Broadcast: rapid.SampledFrom(keys).Draw(t, "broadcast")}
			switch act := rapid.IntRange(0, 9).Draw(t, "act"); {
			case act < 5:
				d := Delivery{Number: n, Generation: anyGeneration, Activity: a, Copy: act > 0, Unheard: act == 1}
				if id, _, problem := c.Deliver(d); problem == Fine {
					sent[n] = append(sent[n], strconv.FormatInt(id, 10))
				}
			case act < 8 && len(sent[n]) > 0:
				if act == 7 {
					a = nil
				}
				c.Edit(n, anyGeneration, rapid.SampledFrom(sent[n]).Draw(t, "message"), a)
			case act == 8:
				c.DeleteChat(n)
				c.Open(n)
			case rapid.IntRange(0, 3).Draw(t, "forget") == 0:
				c.ResetTotals()
			}
		}
		again := contoso(people)
		var file bytes.Buffer
		if err := c.Save(&file); err != nil {
			t.Fatal(err)
		}
		if err := again.Load(&file); err != nil {
			t.Fatal(err)
		}
		for _, world := range []*Tenant{c, again} {
			for _, key := range keys {
				got := world.Totals().ByBroadcast[key]
				counted := Tally{
					Messages: got.Messages, Reached: got.Reached, Repeats: got.Repeats, Repeated: got.Repeated, Holding: got.Holding,
					HoldingTwice: got.HoldingTwice, Edited: got.Edited, Unedited: got.Unedited, Deleted: got.Deleted, Unheard: got.Unheard,
				}
				if want := recount(world, key); counted != want {
					t.Fatalf("loaded %v, %s: %+v, want %+v", world == again, key, counted, want)
				}
			}
		}
		before, _ := json.Marshal(c.Totals())
		if after, err := json.Marshal(again.Totals()); err != nil || string(before) != string(after) {
			t.Fatalf("saved %s, loaded %s", before, after)
		}
	})
}

func TestAfterAnEditTheCopiesShowTheNewWords(t *testing.T) {
	t.Parallel()
	c := contoso(3)
	was, is := &Activity{Type: "message", Text: "was", Broadcast: "b"}, &Activity{Type: "message", Text: "is", Broadcast: "edit"}
	for n := 1; n <= 3; n++ {
		c.Install(n)
		id, _, _ := c.Deliver(Delivery{Number: n, Generation: anyGeneration, Activity: was, Copy: true})
		switch n {
		case 1:
			c.Edit(n, anyGeneration, strconv.FormatInt(id, 10), is)
		case 2:
			c.Edit(n, anyGeneration, strconv.FormatInt(id, 10), nil)
		}
	}
	b, edit := c.Totals().ByBroadcast["b"], c.Totals().ByBroadcast["edit"]
	if b.Shown != 1 || edit.Shown != 1 || b.Updates != 1 || b.Deletes != 1 || b.Holding != 2 || edit.Reached != 0 || b.LastChanged == nil {
		t.Fatalf("%+v, of the edit %+v", b, edit)
	}
	if b.Shown != lines(c, 3, "b") || edit.Shown != lines(c, 3, "edit") {
		t.Fatal("the chats show something else")
	}
}

func TestLongChatsForgetLinesButNotCopies(t *testing.T) {
	t.Parallel()
	c := contoso(1)
	c.Dials.Set(func(d *dials.Dials) { d.ThreadLimits = false })
	c.Install(1)
	for i := range 2 * keep {
		c.Deliver(Delivery{Number: 1, Generation: anyGeneration, Activity: &Activity{Type: "message", Text: "x", Broadcast: fmt.Sprint("b", i%2)}, Copy: true})
	}
	if got := c.CopiesOf("b0", 1); got.Got != keep || got.Held != keep {
		t.Fatalf("%+v", got)
	}
	c.DeleteChat(1)
	if got := c.CopiesOf("b0", 1); got.Got != keep || got.Held != 0 || c.Totals().ByBroadcast["b0"].Holding != 0 {
		t.Fatalf("after the chat was deleted: %+v, %+v", got, c.Totals().ByBroadcast["b0"])
	}
}

// TestAChatIsSmall is what keeps a million of them affordable.
func TestAChatIsSmall(t *testing.T) {
	const people = 200_000
	c := contoso(people)
	c.Dials.Set(func(d *dials.Dials) { d.PreinstalledPerMille, d.GuestPerMille, d.DisabledPerMille = 1000, 0, 0 })
	a := &Activity{Type: "message", Text: "x", Broadcast: "b"}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	reached := 0
	for n := 1; n <= people; n++ {
		c.Open(n)
		if _, _, problem := c.Deliver(Delivery{Number: n, Generation: anyGeneration, Activity: a, Copy: true}); problem == Fine {
			reached++
		}
	}
	each := float64(int64(heap())-int64(before)) / people
	t.Logf("%.0f bytes a person", each)
	if each > 150 || reached < people*9/10 {
		t.Fatalf("%.0f bytes a person, %d reached", each, reached)
	}
	runtime.KeepAlive(c)
}

func TestTheInstalledAreCountedAgainOnlyWhenSomethingChanged(t *testing.T) {
	t.Parallel()
	c := contoso(500)
	c.Install(1)
	first := c.InstalledCount()
	c.Deliver(Delivery{Number: 1, Generation: anyGeneration, Activity: &Activity{Type: "message", Text: "x"}})
	kept := c.counted.Load()
	if c.InstalledCount() != first || c.counted.Load() != kept {
		t.Error("counted again though nothing changed")
	}
	c.Dials.Set(func(d *dials.Dials) { d.PreinstalledPerMille = 500 })
	if c.InstalledCount() <= first {
		t.Error("not counted again after the dial was turned")
	}
}

func TestOnlyTheLatestBroadcastsHaveAHistory(t *testing.T) {
	t.Parallel()
	c := contoso(1)
	c.Dials.Set(func(d *dials.Dials) { d.ThreadLimits = false })
	c.Install(1)
	for i := range maxPaced + 10 {
		c.Deliver(Delivery{Number: 1, Generation: anyGeneration, Activity: &Activity{Type: "message", Text: "x", Broadcast: fmt.Sprint(i)}, Copy: true})
	}
	all, each := c.Pace(time.Now(), 60)
	sum := 0
	for _, n := range all {
		sum += n
	}
	if sum != maxPaced+10 || len(each) != maxPaced || each["0"] != nil {
		t.Fatalf("%d messages, %d histories", sum, len(each))
	}
}
