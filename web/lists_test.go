package web

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fanfare/fanfare/broadcast"
)

// upload posts a list as the form does.
func (v *visitor) upload(name, file string, raw []byte, text, accept string) reply {
	v.w.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	_ = m.WriteField("name", name)
	_ = m.WriteField("text", text)
	if file != "" {
		part, err := m.CreateFormFile("file", file)
		if err != nil {
			v.w.t.Fatal(err)
		}
		_, _ = part.Write(raw)
	}
	_ = m.Close()
	req, err := http.NewRequest(post, v.w.url+"/audience/lists", &body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", m.FormDataContentType())
	req.Header.Set("Accept", accept)
	res, err := v.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return reply{v.w.t, res.StatusCode, res.Request.URL.Path, res.Header, string(out)}
}

// listed uploads a list as the editor's module does, and answers its part and address.
func (v *visitor) listed(name, text string) (part, at string) {
	v.w.t.Helper()
	var made struct{ Value, Report string }
	a := v.upload(name, "", nil, text, "application/json").says(http.StatusCreated)
	if err := json.Unmarshal([]byte(a.body), &made); err != nil {
		v.w.t.Fatal(err)
	}
	return made.Value, made.Report
}

func TestAListIsUploadedReportedAndDownloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 20)
	ada := w.author()
	a := ada.upload("", "C:\\lists\\Jubilees 2026.csv", []byte("Name;E-Mail\nA;PERSON001@contoso.example\nB;person009@contoso.example\nA again;"+string(entraID(1))+"\nWho;=cmd|'/C calc'!A0\nN;nobody@contoso.example\n"), "", "text/html")
	a.says(http.StatusOK, "<h1>Jubilees 2026</h1>", "The list is stored.", "3 of 5 rows found, 2 different people.", "Person001 Painted", "(line 2)", "nobody in the directory", "neither an address nor an ID")
	at := a.path
	missing := ada.get(at + "?show=missing")
	missing.says(http.StatusOK, "nobody@contoso.example").lacks("Person001 Painted")
	file := ada.get(at + "/report.csv").says(http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\uFEFF"))).ReadAll()
	if err != nil || len(rows) != 6 || rows[4][1] != "'=cmd|'/C calc'!A0" || rows[3][3] != "2" || rows[2][7] != "guest" {
		t.Errorf("%q, %v", rows, err)
	}
	for _, reader := range []*visitor{w.approver(), w.as(3)} {
		reader.get(at).says(http.StatusOK, "Person001 Painted").lacks("Delete…", "Upload another")
	}
	w.admin().get(at).says(http.StatusOK, "Delete…")
	ada.get(at+"?ask=delete").says(http.StatusOK, "Delete this list?")
	ada.post(at+"/delete", url.Values{}).says(http.StatusOK, "The list is deleted.")
	ada.get(at).says(http.StatusNotFound)
	ada.get(at + "/report.csv").says(http.StatusNotFound)
}

func TestAReportIsReadAHundredRowsAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(10, 0)
	ada := w.author()
	var text strings.Builder
	for i := range 250 {
		fmt.Fprintf(&text, "nobody%03d@contoso.example\n", i)
	}
	_, at := ada.listed("Strangers", text.String())
	ada.get(at).says(http.StatusOK, "0 of 250 rows found", "nobody099@", "Next page").lacks("nobody100@", "First page")
	ada.get(at+"?show=missing&after=200").says(http.StatusOK, "nobody249@", "First page").lacks("nobody199@", "Next page")
}

func TestABadUploadIsToldAndKeepsTheirWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.author()
	for want, c := range map[string]struct {
		name, file string
		raw        []byte
		text       string
		status     int
	}{
		"Choose a file, or paste":        {"Mine", "", nil, " ", 422},
		"Give it a name":                 {"", "", nil, "ada@contoso.example", 422},
		"neither text nor an Excel":      {"Mine", "x.csv", []byte("a\x00b@c.d"), "", 422},
		"This Excel workbook cannot be":  {"Mine", "x.xlsx", []byte("PK\x03\x04rubbish"), "", 422},
		"more than 200,000 rows":         {"Mine", "x.csv", bytes.Repeat([]byte("a@b.cd\n"), 1_000_000), "", 422},
		"This is larger than 10 MB":      {"Mine", "x.csv", bytes.Repeat([]byte("a@b.cd\n"), 2_000_000), "", 413},
		"longer than 100 characters":     {strings.Repeat("n", 101), "", nil, "ada@contoso.example", 422},
		"No column has addresses or IDs": {"Mine", "", nil, "Name,Age\nAda,36", 422},
	} {
		a := ada.upload(c.name, c.file, c.raw, c.text, "text/html").says(c.status, want)
		if c.status == 422 && len(c.name) < 101 {
			a.says(422, `value="`+c.name+`"`)
		}
		ada.upload(c.name, c.file, c.raw, c.text, "application/json").says(c.status, want)
	}
}

func TestADeletedListKeepsADraftFromBeingSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 20)
	ada := w.author()
	part, at := ada.listed("Jubilees", "person001@contoso.example\nperson002@contoso.example")
	form := with(good(), "audience", "some", "include", part)
	page := ada.draft(form)
	ada.get(page+"/edit").says(http.StatusOK, "List Jubilees (2 people)")
	ada.fetch(post, "/audience", form).says(http.StatusOK, `"count":2`)
	ada.fetch(get, "/audience/find?q=jub", nil).says(http.StatusOK, "List Jubilees (2 people)", "List · by ")
	ada.post(at+"/delete", url.Values{}).says(http.StatusOK)
	edit := ada.get(page + "/edit")
	again := with(form, "do", "submit", "revision", edit.revision(), "id", strings.TrimPrefix(page, "/broadcasts/"))
	ada.post(page+"/edit", again).says(http.StatusUnprocessableEntity, "The list “Jubilees (2 people)” was deleted")
}

func TestASavedAudienceIsCopiedIntoADraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 20)
	ada := w.author()
	part, _ := ada.listed("Jubilees", "person001@contoso.example\nperson002@contoso.example")
	form := with(good(), "audience", "some", "include", part, "saved_name", "Feast", "do", "save-audience")
	ada.post("/broadcasts", form).says(http.StatusOK, "Saved as “Feast”", "Office closed on Friday")
	ada.post("/broadcasts", form).says(http.StatusOK, "There is already a saved audience called “Feast”")
	ada.fetch(post, "/audience/saved", form).says(http.StatusConflict)
	ada.fetch(post, "/audience/saved", with(form, "saved_name", "Other")).says(http.StatusCreated, "Other", "parts")
	all, err := w.lists.SavedAudiences(t.Context(), broadcast.Actor{Roles: []broadcast.Role{broadcast.RoleAdmin}})
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	feast := string(all[0].ID)
	cora := w.admin()
	cora.post("/broadcasts", with(good(), "do", "use-audience", "saved_audience", feast)).says(http.StatusOK, "The audience is now that of “Feast”", "List Jubilees (2 people)")
	cora.get("/audience/lists?rename="+feast).says(http.StatusOK, "New name")
	cora.post("/audience/saved/"+feast+"/rename", url.Values{"name": {"Other"}}).says(http.StatusConflict, "There is already")
	cora.post("/audience/saved/"+feast+"/rename", url.Values{"name": {"Fest"}}).says(http.StatusOK, "has its new name", "Fest")
	cora.get("/audience/lists?drop="+feast).says(http.StatusOK, "Delete “Fest”?")
	cora.post("/audience/saved/"+feast+"/delete", url.Values{}).says(http.StatusOK, "is deleted")
	cora.post("/broadcasts", with(good(), "do", "use-audience", "saved_audience", feast)).says(http.StatusOK, "no such saved audience")
}

func TestAnAuthorUploadsAListWhileWriting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(20, 20)
	b := w.author().open("/broadcasts/new")
	b.do(focus("#list-maker summary"), key("Enter", 0))
	b.until(`document.getElementById("list-maker").open`)
	b.types("#list-name", "Jubilees")
	b.types("#list-text", "person001@contoso.example\nnobody@contoso.example\nPERSON002@contoso.example")
	b.do(focus("#list-name"), key("Enter", 0))
	b.sees("#list-said", "2 of 3 rows found.")
	b.sees("#include", "List Jubilees (2 people)")
	b.sees("#reach", "2")
	b.shoot("list-in-editor-light")
	b.do(scheme("dark"), size(320, 900))
	b.until(`document.documentElement.scrollWidth <= 320`)
	b.shoot("list-in-editor-dark-320")
	// Save the audience, take everyone, and take the saved one again.
	b.do(focus("#saved summary"), key("Enter", 0))
	b.types("#saved_name", "Feast")
	b.do(key("Enter", 0))
	b.sees("#saved-said", "Saved as “Feast”")
	b.click(`input[name="audience"][value="everyone"]`)
	b.click("#use-saved")
	b.until(`document.querySelector('input[name="audience"]:checked').value === "some" && !document.getElementById("included").hidden`)
	// A file, which is refused with a sentence, and one that is taken.
	for _, file := range [][2]string{{"bad.csv", "Name,Age\nAda,36"}, {"good.csv", "UPN\nperson003@contoso.example"}} {
		name, text := file[0], file[1]
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b.types("#list-name", "From a file")
		b.do(chromedp.SetUploadFiles(chromedp.CSS("#list-file"), []string{path}))
		if name == "bad.csv" {
			b.click("#list-make")
			b.sees("#list-problem", "No column has addresses")
			b.tolerate("422")
			b.shoot("list-refused-dark-320")
			b.do(evaluate(`document.getElementById("list-name").value = ""`))
			continue
		}
		b.click("#list-make")
		b.sees("#include", "List From a file (1 person)")
		b.do(evaluate(`document.getElementById("list-name").value = ""`))
	}
	href := value[string](b, `document.querySelector("#list-said a").getAttribute("href")`)
	b.do(navigate(w.url + href))
	b.sees("h1", "From a file")
	b.shoot("list-report-dark-320")
	b.do(size(1200, 900), scheme("light"))
	b.shoot("list-report-light")
}
