package db

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// Millis is a time as it is stored: Unix milliseconds, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Moment is a stored time as it is read.
func Moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Clean makes foreign text storable in both databases (valid UTF-8 without NUL),
// at most limit characters of it; 0 for all.
func Clean(text string, limit int) string {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	}
	if limit > 0 && len(text) > limit {
		if runes := []rune(text); len(runes) > limit {
			return string(runes[:limit-1]) + "…"
		}
	}
	return text
}

// WordsOf splits texts into the words they are found by: runs of letters and
// digits, lower-cased, each once.
func WordsOf(texts ...string) []string {
	var words []string
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(Clean(text, 0)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return words
}

// Each maps a slice; nil stays nil.
func Each[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}

// List is rows as the one JSON parameter of a statement that takes them through
// Words.Rows. The rows' JSON names are the columns'.
func List[T any](rows []T) (string, error) {
	if rows == nil {
		return "[]", nil
	}
	raw, err := json.Marshal(rows)
	return string(raw), err
}

// oneColumn is a row of a list of IDs.
type oneColumn struct {
	EntraID string `json:"entra_id"`
}

// People is a list of people as a statement's parameter: rows of entra_id.
func People(ids []broadcast.EntraID) (string, error) {
	rows := make([]oneColumn, len(ids))
	for i, id := range ids {
		rows[i].EntraID = string(id)
	}
	return List(rows)
}

// ActorRef is an actor as two columns hold it.
func ActorRef(id, name string) broadcast.ActorRef {
	return broadcast.ActorRef{ID: broadcast.EntraID(id), Name: name}
}
