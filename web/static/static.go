// Package static is what browsers fetch beside the pages: style sheets, modules,
// the vendored card renderer. Everything is inside the binary, compressed once at
// start and named by one version, so that browsers keep it for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed css js vendor favicon.svg
var embedded embed.FS

// Asset is one file.
type Asset struct {
	Kind    string // media type
	Plain   []byte
	Gzipped []byte // nil where it would not be smaller
}

// Files is every file. One version, a hash over all of them, stands in the path: so
// the modules' relative imports carry it too, and files may be kept for ever.
type Files struct {
	Version string
	ByName  map[string]Asset
}

// Load reads and compresses what is inside the binary.
func Load() (*Files, error) {
	all := &Files{ByName: map[string]Asset{}}
	sum := sha256.New()
	err := fs.WalkDir(embedded, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		_, _ = sum.Write([]byte(name)) // a hash never fails
		_, _ = sum.Write(raw)
		a := Asset{Kind: kindOf(name), Plain: raw}
		if a.Gzipped, err = squeeze(raw); err != nil {
			return err
		}
		all.ByName[name] = a
		return nil
	})
	all.Version = hex.EncodeToString(sum.Sum(nil))[:12]
	return all, err
}

func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8" // not left to the machine's MIME table
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}

func squeeze(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if out.Len() >= len(raw) {
		return nil, nil
	}
	return out.Bytes(), nil
}

// Path is where a page finds a file.
func (all *Files) Path(name string) string { return "/static/" + all.Version + "/" + name }

// Serve answers with a file; false if there is none of that name. Only what was
// asked for under today's version may be kept for ever: a page from before the last
// upgrade gets today's file, but not under yesterday's name.
func (all *Files) Serve(w http.ResponseWriter, r *http.Request, version, name string) bool {
	a, ok := all.ByName[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	if version == all.Version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+all.Version+`"`)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	body := a.Plain
	if a.Gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.Gzipped
	}
	h.Set("Content-Type", a.Kind)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // whoever left needs no file
	return true
}
