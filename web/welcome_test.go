package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
)

// TestTheWelcomeMessageIsWrittenReviewedAndUsed by an admin and an approver; authors see
// it and may not touch it.
func TestTheWelcomeMessageIsWrittenReviewedAndUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 10)
	cora, ada, ben := w.admin(), w.author(), w.approver()
	cora.get("/welcome").says(http.StatusOK, "Nobody is welcomed yet", "Contoso IT rolled it out to everybody") // the starter
	a := cora.post("/welcome", nil).says(http.StatusOK, "Write the welcome message", "Contoso IT rolled it out", "Who gets it").lacks("Find a group", "How it is sent")
	page := strings.TrimSuffix(a.path, "/edit")
	words := with(url.Values{}, "revision", "1", "title", "Welcome!", "body", "This is **our** news.", "variant", "de", "variants.de.title", "Willkommen!", "team.title", "News for {team}", "team.body", "{added_by} added me.")
	ada.post(page+"/edit", words).says(http.StatusForbidden, "Ask somebody with the role Admin.")
	cora.post(page+"/edit", with(words, "do", "submit")).says(http.StatusOK, "Willkommen!")
	ada.get("/").says(http.StatusOK, "Welcome!", "Welcome message", "Whoever gets the app")
	cora.post(page+"/approve", nil).says(http.StatusForbidden)
	ben.get(page).says(http.StatusOK, "what people will see, in each language,", "All other languages", "In a team", "News for Your team", "Somebody added me.").lacks("<code class=\"soft\">team")
	ben.post(page+"/approve", nil).says(http.StatusOK, "It can be put into use now")
	ben.post(page+"/send", nil).says(http.StatusForbidden, "only an admin decides about it")
	cora.post(page+"/schedule", with(url.Values{}, "at", "2090-01-01T09:00")).says(http.StatusConflict, "A welcome message has no date.")
	cora.get("/welcome").says(http.StatusOK, "In the making", "It is not in use yet", page+"?ask=send")
	cora.get(page+"?ask=send").says(http.StatusOK, "Put it into use?", "gets “Welcome!” once")
	cora.post(page+"/send", nil).says(http.StatusOK, "In use. Whoever gets the app for the first time")
	cora.get("/").says(http.StatusOK, "No announcements yet")
	cora.get("/welcome").says(http.StatusOK, "In use", "approved by Ben", "Also in German", "Nobody has come yet.", "Write a new version")

	// A new version begins with the words of the one in use.
	a = cora.post("/welcome", nil).says(http.StatusOK, "This is **our** news.", "Willkommen!")
	if a.path == page+"/edit" {
		t.Fatal("the new version is the old one")
	}
	if again := cora.post("/welcome", nil); again.path != a.path {
		t.Errorf("a second new version: %s", again.path)
	}
	id := broadcast.ID(strings.TrimPrefix(page, "/broadcasts/"))
	if b, err := w.st.Broadcast(t.Context(), id); err != nil || b.Kind != broadcast.KindWelcome || b.ApprovedAsIs() != nil || b.Plan != (broadcast.Plan{}) {
		t.Errorf("%+v, %v", b, err)
	}
	cora.get(page+"?ask=cancel").says(http.StatusOK, "Stop using it?", "Whoever comes from now on gets no welcome message")
	cora.post(page+"/cancel", nil).says(http.StatusOK, "Whoever comes from now on gets no welcome message.")
	cora.get("/welcome").says(http.StatusOK, "Earlier versions", "In the making").lacks("In use")
}
