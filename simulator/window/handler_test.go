package window

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestEveryFileIsServedUnderTheStrictPolicyWithItsType(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"/teams":                                    "text/html; charset=utf-8",
		"/teams?person=x":                           "text/html; charset=utf-8",
		"/teams/static/app.js":                      "text/javascript; charset=utf-8",
		"/teams/static/base.css":                    "text/css; charset=utf-8",
		"/teams/static/icon.svg":                    "image/svg+xml",
		"/teams/static/vendor/purify.min.js":        "text/javascript; charset=utf-8",
		"/teams/static/vendor/marked.LICENSE.txt":   "text/plain; charset=utf-8",
		"/teams/static/vendor/adaptivecards.min.js": "text/javascript; charset=utf-8",
	}
	for target, contentType := range types {
		res := get(t, http.MethodGet, target, nil)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != contentType {
			t.Errorf("%s: %d %q, want 200 %q", target, res.StatusCode, res.Header.Get("Content-Type"), contentType)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", target, policy)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: types may be sniffed", target)
		}
	}
}

func TestAnUnchangedFileIsNotSentTwice(t *testing.T) {
	t.Parallel()
	first := get(t, http.MethodGet, "/teams/static/app.js", nil)
	again := get(t, http.MethodGet, "/teams/static/app.js", http.Header{"If-None-Match": {first.Header.Get("ETag")}})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{http.MethodGet, "/teams/static/absent.js", http.StatusNotFound},
		{http.MethodGet, "/teams/static/", http.StatusNotFound},
		{http.MethodGet, "/teams/static/vendor", http.StatusNotFound},
		{http.MethodGet, "/teams/other", http.StatusNotFound},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodPost, "/teams", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/teams/static/app.js", http.StatusMethodNotAllowed},
		{http.MethodHead, "/teams", http.StatusOK},
	} {
		if res := get(t, c.method, c.target, nil); res.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, res.StatusCode, c.status)
		}
	}
	moved := get(t, http.MethodGet, "/teams/?person=abc", nil)
	if moved.Header.Get("Location") != "/teams?person=abc" {
		t.Errorf("/teams/ leads to %q", moved.Header.Get("Location"))
	}
}

func TestVendoredFilesAreExactlyTheListedOnes(t *testing.T) {
	t.Parallel()
	list, err := static.ReadFile("static/vendor/VENDORED.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("`([\\w.]+\\.js)` \\| `([0-9a-f]{64})`").FindAllStringSubmatch(string(list), -1) {
		listed[row[1]] = row[2]
	}
	scripts, err := fs.Glob(static, "static/vendor/*.js")
	if err != nil || len(scripts) == 0 || len(scripts) != len(listed) {
		t.Fatalf("%d scripts (%v), %d listed", len(scripts), err, len(listed))
	}
	for _, name := range scripts {
		content, err := static.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if base := strings.TrimPrefix(name, "static/vendor/"); listed[base] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not the file VENDORED.md lists", base)
		}
	}
}

func TestThePageHoldsNoInlineScriptOrStyle(t *testing.T) {
	t.Parallel()
	html, err := static.ReadFile("static/teams.html")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son\w+=|=["']?javascript:`).Find(html); found != nil {
		t.Errorf("inline %q: the policy would block it", found)
	}
}
