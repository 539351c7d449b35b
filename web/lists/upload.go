package lists

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/sheet"
	"github.com/fanfare/fanfare/web/form"
	"github.com/fanfare/fanfare/web/frame"
)

// MaxUpload is how large a posted list may be, with the form around it.
const MaxUpload = sheet.MaxBytes + 64<<10

// UploadPage is the form of a new list.
type UploadPage struct {
	frame.Page
	Name, Text string // what they typed
	Problems   []frame.Problem
}

// Of is the sentence about a field, or "".
func (p UploadPage) Of(field string) string {
	for _, one := range p.Problems {
		if one.Field == field {
			return one.Message
		}
	}
	return ""
}

// NewList shows the form.
func (d *Door) NewList(c *gin.Context, _ broadcast.Actor) error {
	return d.uploadForm(c, http.StatusOK, UploadPage{})
}

func (d *Door) uploadForm(c *gin.Context, status int, p UploadPage) error {
	p.Page = d.Page(c, "Upload or paste a list", "list")
	d.Render(c, status, "list_new", p)
	return nil
}

// Made is a new list as the editor's module reads it.
type Made struct {
	Value  string `json:"value"` // what the form sends
	Key    string `json:"key"`
	Name   string `json:"name"`
	Said   string `json:"said"`
	Report string `json:"report"` // address
}

// MakeList stores an uploaded or pasted list.
func (d *Door) MakeList(c *gin.Context, a broadcast.Actor) error {
	p, raw, err := readUpload(c)
	if err != nil {
		return err
	}
	l, err := d.make(c, a, p.Name, raw)
	if problems := frame.ProblemsOf(err); len(problems) > 0 && !frame.WantsData(c) {
		p.Problems = problems
		return d.uploadForm(c, broadcast.AsError(err).Code.HTTPStatus(), p)
	}
	if err != nil {
		return err
	}
	at := "/audience/lists/" + string(l.ID)
	if frame.WantsData(c) {
		part := l.Part()
		c.JSON(http.StatusCreated, Made{form.PartValue(part), part.Key(), part.Words(), Sentence(l), at})
		return nil
	}
	c.Redirect(http.StatusSeeOther, at+"?said=listed")
	return nil
}

func (d *Door) make(c *gin.Context, a broadcast.Actor, name string, raw []byte) (lists.List, error) {
	if len(raw) == 0 {
		return lists.List{}, &broadcast.Error{Code: broadcast.Invalid, Field: "rows", Message: "Choose a file, or paste the addresses or IDs: one per line."}
	}
	rows, err := sheet.Read(raw)
	if err != nil {
		return lists.List{}, err
	}
	return d.lists.Make(c.Request.Context(), a, name, rows)
}

// Sentence is how much of a list was found.
func Sentence(l lists.List) string {
	s := fmt.Sprintf("%d of %d rows found", l.Found, l.Rows)
	if l.People != l.Found {
		s += fmt.Sprintf(", %d different people", l.People)
	}
	return s + "."
}

// readUpload reads the form part by part: its largest part is bounded by the body.
func readUpload(c *gin.Context) (p UploadPage, raw []byte, err error) {
	parts, err := c.Request.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err = frame.ParseForm(c); err != nil {
			return p, nil, err
		}
		p.Name, p.Text = c.Request.PostForm.Get("name"), c.Request.PostForm.Get("text")
		return p, []byte(strings.TrimSpace(p.Text)), nil
	}
	if err != nil {
		return p, nil, garbled(err)
	}
	var file []byte
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.take(part, &file)
		}
		if err != nil {
			return p, nil, garbled(err)
		}
	}
	if len(file) > 0 {
		return p, file, nil
	}
	return p, []byte(strings.TrimSpace(p.Text)), nil
}

func (p *UploadPage) take(part *multipart.Part, file *[]byte) error {
	raw, err := io.ReadAll(part)
	switch part.FormName() {
	case "name":
		p.Name = string(raw)
	case "text":
		p.Text = string(raw)
	case "file":
		*file = raw
		if strings.TrimSpace(p.Name) == "" && part.FileName() != "" {
			base := path.Base(strings.ReplaceAll(part.FileName(), `\`, "/"))
			p.Name = strings.TrimSuffix(base, path.Ext(base))
		}
	}
	return err
}

func garbled(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", frame.ErrGarbled, err)
}
