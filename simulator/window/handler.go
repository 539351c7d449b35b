package window

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// policy allows what the page needs and nothing else: own scripts, own styles, own data, and pictures
// from anywhere, because a card may name any picture.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is the one HTML document; the person shown is in its query (?person=<EntraID>).
// Beside it, channels shows what was posted in channels.
const (
	page     = "teams.html"
	channels = "channels.html"
)

// asset is one embedded file with what HTTP wants to know of it.
type asset struct {
	content     []byte
	contentType string
	etag        string
}

// Handler serves /teams and /teams/channels (the pages) and /teams/static/… (their styles, modules and
// vendored libraries). Mount it on the origin that also serves /_simulator/people and
// /_simulator/teams: the pages ask for nothing else.
// Any other path is answered 404, any method but GET and HEAD 405.
func Handler() http.Handler {
	assets := load(static)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /teams", func(w http.ResponseWriter, r *http.Request) {
		assets[page].serve(w, r)
	})
	mux.HandleFunc("GET /teams/channels", func(w http.ResponseWriter, r *http.Request) {
		assets[channels].serve(w, r)
	})
	mux.HandleFunc("GET /teams/{$}", func(w http.ResponseWriter, r *http.Request) {
		target := "/teams"
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, target, http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /teams/static/{name...}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r)
	})
	return mux
}

// load reads the embedded files once; they are small and never change while the process lives.
func load(files fs.FS) map[string]asset {
	assets := map[string]asset{}
	// The embedded tree cannot fail to be read; a file that did would be missing and answered 404.
	_ = fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		assets[strings.TrimPrefix(name, "static/")] = asset{
			content:     content,
			contentType: contentType(name),
			etag:        `"` + hex.EncodeToString(sum[:12]) + `"`,
		}
		return nil
	})
	return assets
}

// contentType does not trust the machine's MIME table for the types a browser is strict about.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".md", ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// serve lets browsers keep a file but ask each time whether it is still the one: after an upgrade an
// old module must never meet a new page.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
