package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	noun "github.com/fanfare/fanfare/broadcast/person"
)

func TestAPersonsPageAnswersWhyTheyDidNotGetIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	dan := w.as(3)
	sent := w.sending()
	w.deliver(sent, 3, failedOutcome)
	if err := w.st.BotGone(t.Context(), entraID(2), broadcast.InstallationRemoved); err != nil {
		t.Fatal(err)
	}
	dan.get("/people?q=person00").says(http.StatusOK, "Person000 Painted", "Can be reached", "Guest account", "Removed the app", `href="/people/`+string(entraID(1))+`"`).lacks("Person010")
	dan.get("/people").says(http.StatusOK, "Whom are you looking for?").lacks("Person000")
	dan.get("/people?q="+string(entraID(3))).says(http.StatusOK, "Person003 Painted").lacks("Person002")

	dan.get("/people/"+string(entraID(1))).says(http.StatusOK, "Would get it.", "note good", "App installed", "Address of the chat learnt", "Refused by Teams", "BadArgument", "Office closed on Friday", `/recipients/`)
	dan.get("/people/"+string(entraID(2))).says(http.StatusOK, "Would not get it: removed the app. What to do: only the person can add it again", "note bad", "App removed", "Not known")
	dan.get("/people/"+string(entraID(9))).says(http.StatusOK, "Would not get it: guest account", "Nobody has asked for the app", "Skipped", "Guest account")
	dan.get("/people/"+string(entraID(30))).says(http.StatusOK, "Would get it once the app is there", "App wanted for them", "Waiting")
	dan.get("/people/"+string(entraID(30))+"?show=all").says(http.StatusOK, "Office closed on Friday")
	dan.get("/broadcasts/"+string(sent)+"/recipients").says(http.StatusOK, `<a href="/people/`+string(entraID(1))+`">`)
	dan.get("/rollout?q=person001").says(http.StatusOK, `<a href="/people/`+string(entraID(1))+`">`)
}

func TestLookingForPeopleTakesWhateverIsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 0)
	ada := w.author()
	for _, text := range []string{"%", "_", "'; DROP TABLE people; --", `"><script>alert(1)</script>`, "\x00", "\xff\xfe", strings.Repeat("x", 10_000), strings.Repeat("a b ", 2_500), "zzz"} {
		ada.get("/people?q="+url.QueryEscape(text)).says(http.StatusOK, "Nobody found").lacks("Person000", "<script>alert")
	}
	for _, id := range []string{"x", "%27", strings.Repeat("0", 10_000), string(entraID(999)), "%2e%2e", "00000000-0000-0000-0000-00000000000%00"} {
		ada.get("/people/"+id).says(http.StatusNotFound, "Nobody with this ID is known")
	}
	ada.get("/people/"+string(entraID(1))+"?after=nonsense").says(http.StatusOK, "Person001")
	ada.get("/people?q=person&after=zzz").says(http.StatusOK, "Nobody found")
}

// TestSomebodyDeletedIsShownAsSuch, and as back when they are.
func TestSomebodyDeletedIsShownAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(5, 5)
	ada, yes := w.author(), true
	save := func(p noun.Patch) {
		p.EntraID = entraID(1)
		if err := w.st.SavePeople(t.Context(), []noun.Patch{p}, nil); err != nil {
			t.Fatal(err)
		}
	}
	save(noun.Patch{Deleted: &yes})
	ada.get("/people/"+string(entraID(1))).says(http.StatusOK, "Would not get it: account deleted", "<dt>Deleted</dt>", "App installed")
	save(noun.Patch{})
	ada.get("/people/"+string(entraID(1))).says(http.StatusOK, "Would get it.", "Known since").lacks("<dt>Deleted</dt>")
}

func TestAStaleDirectoryIsSaidWhereSomebodyIsAboutToSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	ada, cora := w.author(), w.admin()
	page := ada.draft(good())
	fresh := func() {
		for _, path := range []string{page, "/rollout", "/people"} {
			ada.get(path).says(http.StatusOK).lacks("last read")
		}
		if a := ada.fetch(post, "/audience", good()).says(http.StatusOK, "will get it"); strings.Contains(a.body, "data-stale") {
			t.Errorf("a fresh directory is warned of: %s", a.body)
		}
	}
	fresh()
	read := func(before time.Duration) {
		if err := w.st.SavePeople(t.Context(), nil, &noun.Cursor{Link: "delta", Round: 1, FinishedAt: w.clock.Now().Add(-before)}); err != nil {
			t.Fatal(err)
		}
	}
	read(25 * time.Hour)
	const stale = "The directory was last read 25 hours ago: who joined, left or moved since then is not counted."
	ada.get(page).says(http.StatusOK, stale, "Ask an administrator why it is not read.")
	ada.fetch(post, "/audience", good()).says(http.StatusOK, stale)
	ada.get("/people").says(http.StatusOK, stale)
	cora.get(page).says(http.StatusOK, stale, "Check that a Fanfare server with its engine on is running")
	cora.get("/rollout").says(http.StatusOK, stale)

	const cause = "Microsoft refused Fanfare&#39;s credential."
	if err := w.st.SyncEnded(t.Context(), "Microsoft refused Fanfare's credential. Renew it."); err != nil {
		t.Fatal(err)
	}
	cora.get(page).says(http.StatusOK, stale, cause)
	ada.get(page).says(http.StatusOK, stale, "Ask an administrator to look at the Rollout page").lacks(cause)
	ada.get("/rollout").says(http.StatusOK, "Reading it has failed since", cause)

	// Read again, and failing since a moment ago.
	read(0)
	ada.get(page).says(http.StatusOK, "The last reading of the directory failed; what is counted is a moment old.")
	if err := w.st.SyncEnded(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	fresh()
	id := w.sending()
	read(25 * time.Hour)
	ada.get("/broadcasts/" + string(id)).says(http.StatusOK).lacks("last read") // too late to matter
}

// TestPeopleAreLookedUpByKeyboardOnAPhoneInTheDark, as somebody would on the way.
func TestPeopleAreLookedUpByKeyboardOnAPhoneInTheDark(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(40, 20)
	id := w.sending()
	w.deliver(id, 15, sentOutcome)
	w.deliver(id, 3, failedOutcome)
	b := w.as(3).open("/people", size(320, 900), scheme("dark"))
	fits := func(name string) {
		t.Helper()
		if over := value[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			t.Errorf("%s scrolls sideways by %d px", name, over)
		}
		b.shoot(name)
	}
	fits("empty")
	b.do(focus("#q"))
	b.types("#q", "person00")
	b.do(key("Enter", 0))
	b.sees("table", "Person000 Painted")
	fits("found")
	// From the search on, Tab reaches the button and then the first person.
	b.do(focus("#q"), key("Tab", 0), key("Tab", 0))
	b.until(`document.activeElement.getAttribute("href")?.startsWith("/people/")`)
	b.do(key("Enter", 0))
	b.sees("h1", "Person000 Painted")
	b.sees(".note", "Would get it.")
	b.until(`[...document.querySelectorAll("time")].every((x) => x.title || x.textContent)`)
	fits("person")
	b.do(size(1280, 1400), scheme("light"))
	b.shoot("person-desk")
	b.do(navigate(w.url + "/people/" + string(entraID(9))))
	b.sees(".note", "guest account")
	fits("guest")
}
