package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// maxJSON is how large a body of API v1 may be: many times the longest message.
const maxJSON = 1 << 20

// readJSON reads the body into v, strictly: a field we do not know is refused,
// because a misspelled one would otherwise be lost without a word.
func readJSON(c *gin.Context, v any) error {
	raw, err := readBody(c, maxJSON)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return &refusal{http.StatusBadRequest, "bad_json", "The body is empty; this address needs a JSON object."}
	}
	return decode(c, raw, v)
}

// readOptionalJSON is readJSON for addresses that do without a body.
func readOptionalJSON(c *gin.Context, v any) error {
	raw, err := readBody(c, maxJSON)
	if err != nil || len(raw) == 0 {
		return err
	}
	return decode(c, raw, v)
}

// readBody reads at most limit bytes, without the white space around them.
func readBody(c *gin.Context, limit int64) ([]byte, error) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("The body is larger than %d kB. Send less at once.", limit>>10)}
	if c.Request.ContentLength > limit {
		c.Header("Connection", "close") // the rest is not worth reading
		return nil, tooLarge
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "bad_request", "The body broke off before its end. Send it again."}
	}
	return bytes.TrimSpace(raw), nil
}

func decode(c *gin.Context, raw []byte, v any) error {
	kind, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != "application/json" || charset != "" && charset != "utf-8" || c.GetHeader("Content-Encoding") != "" {
		return &refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send JSON in UTF-8, uncompressed, with the header Content-Type: application/json."}
	}
	if !utf8.Valid(raw) {
		return &refusal{http.StatusBadRequest, "bad_json", "The body is not UTF-8. Encode it as UTF-8."}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return jsonProblem(raw, err)
	}
	if dec.InputOffset() != int64(len(raw)) {
		return &refusal{http.StatusBadRequest, "bad_json", "Something follows after the end of the JSON object, at " + position(raw, dec.InputOffset()) + "."}
	}
	return nil
}

// jsonProblem says in a sentence what the decoder did not like, and where.
func jsonProblem(raw []byte, err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	unknown, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field ") // the library has no type for it
	switch {
	case broadcast.AsError(err) != nil:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &refusal{http.StatusBadRequest, "bad_json", "The body is not valid JSON: it ends in the middle."}
	case errors.As(err, &syntax):
		return &refusal{http.StatusBadRequest, "bad_json", "The body is not valid JSON at " + position(raw, syntax.Offset) + ": " + syntax.Error() + "."}
	case errors.As(err, &mismatch):
		return &broadcast.Error{Code: broadcast.Invalid, Field: mismatch.Field, Message: fmt.Sprintf("At %s there is a JSON %s, where %s is wanted.", position(raw, mismatch.Offset), mismatch.Value, wanted(mismatch))}
	case isUnknown:
		name, _ := strconv.Unquote(unknown)
		return &broadcast.Error{Code: broadcast.Invalid, Field: name, Message: fmt.Sprintf("There is no field %q here. Check the spelling.", name)}
	}
	return &refusal{http.StatusBadRequest, "bad_json", "The body is not valid JSON."}
}

// wanted is the expected type in JSON's words.
func wanted(m *json.UnmarshalTypeError) string {
	switch m.Type.Kind().String() {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "slice":
		return "an array"
	case "int", "int64":
		return "a whole number"
	}
	return "an object"
}

// position tells where in the text an offset is, as editors count.
func position(raw []byte, offset int64) string {
	before := raw[:min(max(offset, 0), int64(len(raw)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("line %d, column %d", line, max(column, 1))
}

// query reads the parameters of a list. The first wrong one is kept in err.
type query struct {
	c   *gin.Context
	err error
}

func (q *query) bad(name, format string, args ...any) {
	if q.err == nil {
		q.err = &broadcast.Error{Code: broadcast.Invalid, Field: name, Message: fmt.Sprintf(format, args...)}
	}
}

// number is a whole number from 0; 0 if it is not given.
func (q *query) number(name string) int64 {
	v := q.c.Query(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		q.bad(name, "%q is not a whole number from 0.", v)
	}
	return n
}

// limit is how many rows are wanted; the use-case has the last word.
func (q *query) limit() int { return int(min(q.number("limit"), 1<<20)) }

// text is what to look for.
func (q *query) text(name string) string {
	const longest = 200
	v := q.c.Query(name)
	switch {
	case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
		q.bad(name, "This is not text in UTF-8.")
	case utf8.RuneCountInString(v) > longest:
		q.bad(name, "Look for at most %d characters.", longest)
	}
	return v
}

// list is a parameter that may be given several times, or with commas.
func (q *query) list(name string) []string {
	var out []string
	for _, v := range q.c.QueryArray(name) {
		for _, part := range strings.Split(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// oneOf is a parameter with known values; "" if it is not given.
func oneOf[T ~string](q *query, name string, known []T) T {
	v := T(q.c.Query(name))
	for _, k := range known {
		if v == k {
			return v
		}
	}
	if v != "" {
		q.bad(name, "There is no %s %q.", name, v)
	}
	return ""
}

// broadcastID is the ID in the path. A malformed one names nothing.
func broadcastID(c *gin.Context) (broadcast.ID, error) {
	id := c.Param("id")
	if !isUUID(id) {
		return "", broadcast.Errorf(broadcast.NotFound, "There is no broadcast with this ID.")
	}
	return broadcast.ID(strings.ToLower(id)), nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		if dash != (r == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
