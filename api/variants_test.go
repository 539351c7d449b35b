package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// TestAMessageTravelsInEveryLanguage: what comes back can be sent again, and each card
// can be looked at.
func TestAMessageTravelsInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	author := w.as(broadcast.RoleAuthor)
	spoken := party()
	spoken["variants"] = object{
		"de":    object{"title": "Sommerfest", "buttons": []object{{"title": "Anmelden"}}},
		"pt_br": object{"body": "Venham **todos**!", "image": object{"url": "https://pictures.example/br.png", "alt": "Um jardim"}},
	}
	path, b := author.draft(spoken)
	got := b["variants"].(object)
	if de := got["de"].(object); de["title"] != "Sommerfest" || de["body"] != nil || fmt.Sprint(de["buttons"]) != "[map[title:Anmelden url:]]" {
		t.Errorf("German: %v", de)
	}
	if br := got["pt-BR"].(object); br["body"] != "Venham **todos**!" || br["image"].(object)["alt"] != "Um jardim" {
		t.Errorf("Portuguese: %v", br)
	}
	for language, title := range map[string]string{"de-CH": "Sommerfest", "pt": "Summer party", "": "Summer party"} {
		if card := fmt.Sprint(author.get(path + "/card?language=" + language).ok(http.StatusOK)); !strings.Contains(card, title) || !strings.Contains(card, "https://intranet.example/party") {
			t.Errorf("to somebody of %q: %s", language, card)
		}
	}
	again := author.get(path).ok(http.StatusOK)
	spoken["revision"], spoken["variants"] = again["revision"], again["variants"]
	if same := author.call(http.MethodPut, path, spoken).ok(http.StatusOK); same["revision"] != again["revision"] {
		t.Error("sending back what was read counts as a change")
	}
	bad := party()
	bad["variants"] = object{"de": object{"title": strings.Repeat("ü", 151)}, "fr": object{"buttons": []object{{"url": "http://x.example"}}}, "Klingon": object{"title": "x"}}
	a := author.post("/broadcasts", bad)
	a.refused(http.StatusUnprocessableEntity, "invalid", "Variant de")
	for _, field := range []string{"variants.de.title", "variants.fr.buttons.0.url", `"variants"`} {
		if !strings.Contains(string(a.raw), field) {
			t.Errorf("%s is not named: %s", field, a.raw)
		}
	}
	long := party()
	long["variants"] = object{"de": object{"body": strings.Repeat(`"`, 20_000)}}
	a = author.post("/broadcasts", long)
	a.refused(http.StatusUnprocessableEntity, "invalid", "Variant de: The message is")
}
