package fanout_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
	noun "github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/simulator"
)

// speaking has the directory say what language people prefer, by their numbers.
func (w *world) speaking(languages ...string) {
	w.Helper()
	yes := true
	patches := make([]noun.Patch, len(languages))
	for i := range languages {
		patches[i] = noun.Patch{EntraID: id(i + 1), Enabled: &yes, Licensed: &yes, PreferLang: &languages[i]}
	}
	w.no(w.st.SavePeople(w.Context(), patches, nil))
}

// notified is what the last message in a person's chat says in its notification.
func (w *world) notified(number int) string {
	w.Helper()
	resp, err := (&http.Client{Transport: w.wire}).Get(w.base + "/_simulator/people/" + simulator.EntraID(number))
	w.no(err)
	defer func() { _ = resp.Body.Close() }()
	var person struct {
		Chat struct{ Messages []struct{ Summary string } }
	}
	w.no(json.NewDecoder(resp.Body).Decode(&person))
	if len(person.Chat.Messages) != 1 {
		w.Fatalf("person %d has %d messages", number, len(person.Chat.Messages))
	}
	return person.Chat.Messages[0].Summary
}

// each one's notification, by their numbers.
func (w *world) says(want ...string) {
	w.Helper()
	for i, title := range want {
		if got := w.notified(i + 1); got != title {
			w.Errorf("person %d reads %q, want %q", i+1, got, title)
		}
	}
}

// TestEverybodyIsWrittenToInTheirLanguage: exactly, else by the language alone, else
// in the default; and so is a correction.
func TestEverybodyIsWrittenToInTheirLanguage(t *testing.T) {
	t.Parallel()
	each(t, 6, func(w *world) {
		w.speaking("de", "de-CH", "pt-BR", "pt-PT", "fr-FR") // of person 6 nobody knows it
		bid := w.resolving("Office closed", func(b *broadcast.Broadcast) {
			b.Message.Variants = []message.Variant{{Locale: "de", Title: "Büro zu"}, {Locale: "pt-BR", Title: "Escritório fechado"}}
		})
		w.no(w.st.AddDeliveries(w.Context(), bid, recipients(1, 6), 1))
		w.put(bid, broadcast.Sending, func(b *broadcast.Broadcast) { b.ListedAt = w.clock.now() })
		w.finishes(bid)
		w.says("Büro zu", "Büro zu", "Escritório fechado", "Office closed", "Office closed", "Office closed")
		w.onceEach(6)

		edit := must(w.service.Correct(w.Context(), admin, bid))
		p := edit.Proposal()
		p.Message.Title, p.Message.Variants[0].Title = "Office open", "Büro offen"
		must(w.service.Edit(w.Context(), admin, edit.ID, edit.Revision, p))
		w.put(edit.ID, broadcast.Resolving, func(b *broadcast.Broadcast) { b.ApprovedHash, b.StartedAt = b.Hash(), w.clock.now() })
		w.no(w.resolver().Resolve(w.Context(), edit.ID))
		w.finishes(edit.ID)
		w.says("Büro offen", "Büro offen", "Escritório fechado", "Office open", "Office open", "Office open")
		if b := w.read(bid); b.Message.In("de").Title != "Büro offen" {
			w.Errorf("the announcement says %+v", b.Message)
		}
	})
}

// TestAVariantSlippedInIsNotSent: what was approved is the message in every language.
func TestAVariantSlippedInIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, 1, func(w *world) {
		bid := w.sending("Approved", recipients(1, 1))
		w.put(bid, broadcast.Sending, func(b *broadcast.Broadcast) { b.Message.Variants = []message.Variant{{Locale: "de", Title: "Anders"}} })
		w.no(w.send(w.Context(), bid))
		if b := w.in(bid, broadcast.Failed); b.Tally.Sent != 0 {
			w.Errorf("%+v", b.Tally)
		}
	})
}
