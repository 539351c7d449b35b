package pack

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func sample() App {
	at, _ := url.Parse("https://fanfare.example.com")
	return App{
		ManifestID: "5eed0000-aaaa-4bbb-8ccc-0123456789ab", BotID: "c0ffee00-1111-4222-8333-444455556666", PublicURL: at, Version: "1.0.0",
		Name: "Newsroom", Description: "Company news", Publisher: "Example Org", Accent: "#4F6BED", Consent: []string{"ChatMessageReadReceipt.Read.Chat"},
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := filepath.Abs("testdata/teams-schema/MicrosoftTeams.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(javaScript)
	compiled, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// javaScript reads the schema's patterns. Those of parts we have no use for look
// ahead, which Go's engine does not: nothing matches them, so that such a part would
// be refused rather than pass unread.
func javaScript(pattern string) (jsonschema.Regexp, error) {
	if strings.Contains(pattern, "(?!") || strings.Contains(pattern, "(?=") {
		pattern = `$.^`
	}
	return regexp.Compile(pattern)
}

func valid(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestTheManifestIsValidAgainstMicrosoftsSchema(t *testing.T) {
	t.Parallel()
	s := schema(t)
	long := sample()
	long.Name, long.FullName, long.Publisher = strings.Repeat("ü", 30), strings.Repeat("ü", 100), strings.Repeat("ü", 32)
	long.Description, long.FullDescription = strings.Repeat("“", 80), strings.Repeat("“", 4000)
	long.PrivacyURL, long.TermsURL = "https://example.com/privacy?x=1&y=2", "https://example.com/terms"
	long.PublicURL, _ = url.Parse("https://fanfare.example.com:8443/")
	bare := sample()
	bare.Consent = nil
	for name, a := range map[string]App{"usual": sample(), "longest": long, "without consent": bare} {
		raw, err := a.Manifest()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := valid(t, s, raw); err != nil {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
	// The schema calls itself draft 4, which knows no "const".
	published, err := os.ReadFile("testdata/teams-schema/MicrosoftTeams.schema.json")
	if err != nil || !strings.Contains(string(published), `"const": "`+schemaVersion+`"`) {
		t.Errorf("the schema is not that of version %s (%v)", schemaVersion, err)
	}
}

// The schema is no ornament: it catches what it should.
func TestTheSchemaRefusesAManifestThatIsWrong(t *testing.T) {
	t.Parallel()
	s := schema(t)
	raw, err := sample().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][2]string{
		{`"id": "5eed0000-aaaa-4bbb-8ccc-0123456789ab"`, `"id": "newsroom"`},
		{`"short": "Newsroom"`, `"short": "` + strings.Repeat("x", 31) + `"`},
		{`"accentColor": "#4F6BED"`, `"accentColor": "blue"`},
		{`"websiteUrl": "https://`, `"websiteUrl": "ftp://`},
		{`"team"`, `"everywhere"`},
		{`"version":`, `"edition":`},
	} {
		changed := strings.Replace(string(raw), wrong[0], wrong[1], 1)
		if changed == string(raw) {
			t.Fatalf("%s is not in\n%s", wrong[0], raw)
		}
		if valid(t, s, []byte(changed)) == nil {
			t.Errorf("it takes %s", wrong[1])
		}
	}
}

func TestTheManifestNamesTheIDsTheProductUses(t *testing.T) {
	t.Parallel()
	raw, err := sample().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	a := sample()
	if m.ID != a.ManifestID || m.Bots[0].BotID != a.BotID || m.WebApplication.ID != a.BotID {
		t.Errorf("IDs differ: %s", raw)
	}
	if m.WebApplication.Resource != "api://fanfare.example.com/"+a.BotID || m.ValidDomains[0] != "fanfare.example.com" || m.StaticTabs[0].ContentURL != "https://fanfare.example.com/tab" {
		t.Errorf("addresses differ: %s", raw)
	}
	if rsc := m.Authorization.Permissions.ResourceSpecific; len(rsc) != 1 || rsc[0] != (resourceSpecific{"ChatMessageReadReceipt.Read.Chat", "Application"}) {
		t.Errorf("consent differs: %v", rsc)
	}
	if got := m.Bots[0].CommandLists[0].Commands; len(got) != 3 || got[0].Title != "help" || got[1].Title != "why" || got[2].Title != "stop" {
		t.Errorf("commands: %v", got)
	}
}

func TestThePackageIsFlatAndAlwaysTheSame(t *testing.T) {
	t.Parallel()
	first, err := sample().Make()
	if err != nil {
		t.Fatal(err)
	}
	again, err := sample().Make()
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same app made other bytes (%v)", err)
	}
	files := unzip(t, first)
	if len(files) != 3 || files["manifest.json"] == nil {
		t.Errorf("files %v", files)
	}
	if _, err := decode(files["color.png"], 192); err != nil {
		t.Errorf("color.png %v", err)
	}
	if err := checkOutline(files["outline.png"]); err != nil {
		t.Errorf("outline.png %v", err)
	}
	if folder := os.Getenv("FANFARE_TEST_SCREENSHOTS"); folder != "" {
		for _, name := range []string{"color.png", "outline.png"} {
			if err := os.WriteFile(filepath.Join(folder, name), files[name], 0o600); err != nil {
				t.Log(err)
			}
		}
	}
}

func unzip(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		if !f.Modified.Equal(packed) {
			t.Errorf("%s carries the time %v, which changes", f.Name, f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestIconsOfTheOperatorAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	a := sample()
	a.ColorIcon, a.OutlineIcon = painted(t, 192, color.NRGBA{200, 30, 30, 255}, false), painted(t, 32, color.NRGBA{255, 255, 255, 255}, true)
	raw, err := a.Make()
	if err != nil {
		t.Fatal(err)
	}
	files := unzip(t, raw)
	if !bytes.Equal(files["color.png"], a.ColorIcon) || !bytes.Equal(files["outline.png"], a.OutlineIcon) {
		t.Error("other icons are in the package")
	}
}

// painted is a square; with holes, its left half is transparent.
func painted(t *testing.T, size int, c color.NRGBA, holes bool) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			if !holes || x >= size/2 {
				img.SetNRGBA(x, y, c)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEveryMistakeOfAnAppIsTold(t *testing.T) {
	t.Parallel()
	white := color.NRGBA{255, 255, 255, 255}
	for name, tc := range map[string]struct {
		spoil func(*App)
		field string
	}{
		"no name":           {func(a *App) { a.Name = " " }, "Name"},
		"long name":         {func(a *App) { a.Name = strings.Repeat("x", 31) }, "Name"},
		"long full name":    {func(a *App) { a.FullName = strings.Repeat("x", 101) }, "FullName"},
		"long description":  {func(a *App) { a.Description = strings.Repeat("x", 81) }, "Description"},
		"longer":            {func(a *App) { a.FullDescription = strings.Repeat("x", 4001) }, "FullDescription"},
		"publisher":         {func(a *App) { a.Publisher = strings.Repeat("x", 33) }, "Publisher"},
		"version":           {func(a *App) { a.Version = "1.0" }, "Version"},
		"leading zero":      {func(a *App) { a.Version = "1.02.0" }, "Version"},
		"colour by name":    {func(a *App) { a.Accent = "blue" }, "Accent"},
		"plain privacy":     {func(a *App) { a.PrivacyURL = "http://example.com" }, "PrivacyURL"},
		"many consents":     {func(a *App) { a.Consent = make([]string, 17) }, "Consent"},
		"icon no image":     {func(a *App) { a.ColorIcon = []byte("GIF89a") }, "ColorIcon"},
		"icon too small":    {func(a *App) { a.ColorIcon = painted(t, 96, white, false) }, "ColorIcon"},
		"outline coloured":  {func(a *App) { a.OutlineIcon = painted(t, 32, color.NRGBA{1, 2, 3, 255}, true) }, "OutlineIcon"},
		"outline full":      {func(a *App) { a.OutlineIcon = painted(t, 32, white, false) }, "OutlineIcon"},
		"outline too large": {func(a *App) { a.OutlineIcon = painted(t, 192, white, true) }, "OutlineIcon"},
	} {
		a := sample()
		tc.spoil(&a)
		if got := a.Check(); len(got) != 1 || got[0].Field != tc.field {
			t.Errorf("%s: %v", name, got)
		}
		if _, err := a.Make(); err == nil {
			t.Errorf("%s: a package is made all the same", name)
		}
	}
	plain := sample()
	plain.PublicURL, _ = url.Parse("http://127.0.0.1:8080")
	if _, err := plain.Make(); err == nil || len(plain.Check()) != 0 {
		t.Errorf("a plain address: %v, %v", err, plain.Check())
	}
}
