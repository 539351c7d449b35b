package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/message"
)

// TestLanguagesAreAddedWithoutScript: nothing is saved by it, and no word is lost.
func TestLanguagesAreAddedWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	spoken := with(good(), "variant", "de", "variants.de.title", "Büro zu", "variants.de.buttons.0.title", "Mehr")
	form := func(pairs ...string) url.Values { return with(spoken, pairs...) }
	ada.post("/broadcasts", with(good(), "do", "add-variant", "add_variant", "german")).says(http.StatusOK, `id="variants.de.title"`, `<option value="de" selected>`)
	a := ada.post("/broadcasts", form("do", "add-variant", "add_variant", "pt_br")).says(http.StatusOK, `name="variant" value="de"`, `value="Büro zu"`, `name="variant" value="pt-BR"`, "Portuguese (Brazil)")
	a.says(http.StatusOK, `name="variants.pt-BR.buttons.0.title"`)
	ada.post("/broadcasts", form("do", "add-variant", "add_variant", "de")).says(http.StatusOK, "German is there already.", `value="Büro zu"`)
	ada.post("/broadcasts", form("do", "add-variant", "add_variant", "Klingon, please")).says(http.StatusOK, "This is no language that is known here.", `value="Klingon, please"`)
	ada.post("/broadcasts", form("do", "drop-variant:de")).says(http.StatusOK).lacks("Büro zu")
	ada.post("/broadcasts", form("do", "drop-button:0")).says(http.StatusOK, "Büro zu").lacks(`value="Mehr"`)
	ada.post("/broadcasts", form("do", "preview", "look_in", "de")).says(http.StatusOK, `<p class="card-title">Büro zu</p>`)
	ada.get("/").says(http.StatusOK, "No announcements yet")
	a = ada.post("/broadcasts", form("do", "submit", "variants.de.buttons.0.url", "http://insecure.example"))
	a.says(http.StatusUnprocessableEntity, `href="#variants.de.buttons.0.url"`, "Variant de: The address of button 1", `value="Büro zu"`)
}

// TestTheReviewerReadsEveryLanguage: what is approved is all of them, and a copy has
// them too.
func TestTheReviewerReadsEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	ada := w.author()
	page := ada.draft(with(good(), "variant", "de", "variants.de.title", "Büro zu", "variants.de.body", "Am Freitag."))
	ada.post(page+"/submit", nil)
	w.approver().get(page).says(http.StatusOK, "All other languages", "Office closed on Friday", "German", "Büro zu", "Am Freitag.").lacks("Variant de:")
	w.approver().post(page+"/approve", nil)
	b, err := w.st.Broadcast(t.Context(), broadcast.ID(strings.TrimPrefix(page, "/broadcasts/")))
	if err != nil || b.ApprovedAsIs() != nil || len(b.Message.Variants) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	b.Message.Variants = nil
	if b.ApprovedAsIs() == nil {
		t.Error("without its variant it still counts as approved")
	}
	ada.post(page+"/duplicate", nil).says(http.StatusOK, "This is a copy.", `value="Büro zu"`)
}

func TestATranslationIsWrittenWhileItIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	ada := w.author()
	b := ada.open("/broadcasts/new")
	b.types("#title", "Office closed")
	b.types("#body", "On Friday.")
	b.click("#add-button")
	b.types(`[id="buttons.0.title"]`, "More")
	b.types(`[id="buttons.0.url"]`, "https://intranet.example/closed")
	b.types("#add_variant", "German")
	b.click("#add-variant")
	b.until(`document.activeElement.id === "variants.de.title"`)
	b.until(`document.activeElement.placeholder === "Office closed"`)
	b.types(`[id="variants.de.title"]`, "Büro zu")
	b.sees(".toast", "Büro zu")
	b.sees("[data-card] .ac-adaptiveCard", "On Friday.")
	b.types(`[id="variants.de.body"]`, "Am **Freitag**.")
	b.until(`document.querySelector("[data-card] strong")?.textContent === "Freitag"`)
	b.types(`[id="variants.de.buttons.0.title"]`, "Mehr")
	b.until(`[...document.querySelectorAll("[data-card] button")].some((x) => x.innerText.includes("Mehr"))`)
	b.click("#title") // who goes back to the message sees the message
	b.sees("[data-card] .ac-adaptiveCard", "Office closed")
	b.do(size(1440, 2200))
	b.shoot("languages")
	b.do(scheme("dark"), size(320, 3600))
	b.shoot("languages-phone-dark")
	b.do(scheme("light"), size(1440, 1500))

	// A button that goes takes its translation along; a language that goes can come back.
	b.click(`#button-rows [value="drop-button:0"]`)
	b.until(`!document.getElementById("variants.de.buttons.0.title")`)
	b.click("[data-drop-variant]")
	b.sees(".undo", "German is removed.")
	b.until(`!new FormData(document.getElementById("editor")).has("variant")`)
	b.click(".undo button")
	b.until(`document.getElementById("variants.de.title").value === "Büro zu"`)
	b.types(`[id="variants.de.title"]`, "!")
	b.sees("#save-state", "Saved")
	b.until(`location.pathname.endsWith("/edit")`)
	id := broadcast.ID(value[string](b, `document.querySelector('[name="id"]').value`))
	b.until(`document.getElementById("save-state").textContent.startsWith("Saved")`)
	again := ada.open(value[string](b, "location.pathname"))
	again.until(`document.getElementById("variants.de.title").value === "Büro zu!"`)
	again.until(`document.getElementById("restore").hidden`)
	stored, err := w.st.Broadcast(t.Context(), id)
	if err != nil || stored.Message.In("de").Title != "Büro zu!" || len(stored.Message.Buttons) != 0 {
		t.Errorf("%+v, %v", stored, err)
	}
	review := ada.open(pageOf(id))
	review.until(`document.querySelectorAll("[data-card] .ac-adaptiveCard").length === 2`)
	review.do(size(1280, 1600))
	review.shoot("languages-review")
}

func TestACardIsHeadedByWhoSeesIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		look          look
		heading, code string
	}{
		{look{}, "In people’s own chats", ""}, // beside a post in teams
		{look{Translated: true}, "All other languages", ""},
		{look{Translated: true, Locale: "de"}, "German", "de"},
		{look{Locale: message.InTeam}, "In a team", ""},
	} {
		if c.look.Heading() != c.heading || c.look.Code() != c.code {
			t.Errorf("%+v is headed %q %q, want %q %q", c.look, c.look.Heading(), c.look.Code(), c.heading, c.code)
		}
	}
}
