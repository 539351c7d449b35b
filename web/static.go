package web

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

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

//go:embed static
var staticFS embed.FS

type asset struct {
	kind    string
	plain   []byte
	gzipped []byte // nil where it would not be smaller
}

// static is every file under static/, compressed once at start. One version, a
// hash over all of them, stands in the path: so the modules' relative imports
// carry it too, and files may be kept for ever.
type static struct {
	version string
	files   map[string]asset
}

func loadStatic() (*static, error) {
	st := &static{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(staticFS, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := staticFS.ReadFile(name)
		if err != nil {
			return err
		}
		_, _ = sum.Write([]byte(name)) // a hash never fails
		_, _ = sum.Write(raw)
		a := asset{kind: kindOf(name), plain: raw}
		if a.gzipped, err = squeeze(raw); err != nil {
			return err
		}
		st.files[strings.TrimPrefix(name, "static/")] = a
		return nil
	})
	st.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return st, err
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

// path is where a page finds a file.
func (st *static) path(file string) string { return "/static/" + st.version + "/" + file }

func (d *Door) staticFile(c *gin.Context, _ broadcast.Actor) error {
	// A page from before the last upgrade asks with the old version: it gets
	// today's file, but may not keep it under yesterday's name.
	lasting := c.Param("version") == d.static.version
	return d.sendAsset(c, strings.TrimPrefix(c.Param("file"), "/"), lasting)
}

func (d *Door) favicon(c *gin.Context, _ broadcast.Actor) error {
	return d.sendAsset(c, "favicon.svg", false)
}

func (d *Door) sendAsset(c *gin.Context, file string, lasting bool) error {
	a, ok := d.static.files[file]
	if !ok {
		return broadcast.Errorf(broadcast.NotFound, "There is no file at this address.")
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, no-cache")
	if lasting {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+d.static.version+`"`)
	h.Set("Vary", "Accept-Encoding")
	if c.GetHeader("If-None-Match") == h.Get("ETag") {
		c.Status(http.StatusNotModified)
		return nil
	}
	body := a.plain
	if a.gzipped != nil && strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzipped
	}
	c.Data(http.StatusOK, a.kind, body)
	return nil
}
