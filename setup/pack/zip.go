package pack

import (
	"archive/zip"
	"bytes"
	"time"
)

// The files' names, as the manifest has them: no folder, or Teams refuses it.
const (
	manifestFile = "manifest.json"
	colorFile    = "color.png"
	outlineFile  = "outline.png"
)

// packed is the time every file carries: the true one would change the bytes with every
// call, and none at all is a date that some readers of archives refuse.
var packed = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// Make is the package. The error names every mistake, one a line.
func (a App) Make() ([]byte, error) {
	manifest, err := a.Manifest()
	if err != nil {
		return nil, err
	}
	color, outline := a.ColorIcon, a.OutlineIcon
	if color == nil {
		if color, err = drawColor(a.Accent); err != nil {
			return nil, err
		}
	}
	if outline == nil {
		if outline, err = drawOutline(); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range []struct {
		name    string
		content []byte
	}{{manifestFile, manifest}, {colorFile, color}, {outlineFile, outline}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: packed})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return out.Bytes(), err
}
