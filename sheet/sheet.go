package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
)

// MaxBytes is how much may be uploaded.
const MaxBytes = 10 << 20

// maxCells is how many cells are looked at: a list as long as may be, twenty wide.
const maxCells = 20 * lists.MaxRows

func wrong(format string, args ...any) *broadcast.Error {
	return &broadcast.Error{Code: broadcast.Invalid, Field: "rows", Message: fmt.Sprintf(format, args...)}
}

// Read reads the rows out of a file or pasted text: those cells of the column that names
// people which are not empty. The error is an *Error.
func Read(raw []byte) ([]lists.Row, error) {
	switch {
	case len(raw) > MaxBytes:
		return nil, wrong("This is larger than 10 MB. Leave only the column with the addresses or IDs in it, or divide it.")
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return fromWorkbook(raw)
	case bytes.HasPrefix(raw, []byte("\xD0\xCF\x11\xE0")):
		return nil, wrong("This is an old Excel file (.xls) or one with a password. Save it as .xlsx without a password, or as CSV.")
	}
	return fromText(raw)
}

// line is a line of cells.
type line struct {
	number int
	cells  []string
}

// table collects lines, and refuses what is too much.
type table struct {
	lines []line
	cells int
}

func (t *table) add(number int, cells []string) error {
	if t.cells += len(cells); t.cells > maxCells {
		return wrong("The table has more than %d million cells. Leave only the column with the addresses or IDs in it.", maxCells/1_000_000)
	}
	empty := true
	for _, cell := range cells {
		empty = empty && strings.TrimSpace(cell) == ""
	}
	if empty {
		return nil
	}
	if len(t.lines) > lists.MaxRows { // one more, for a header
		return lists.TooManyRows()
	}
	t.lines = append(t.lines, line{number, cells})
	return nil
}

// rows picks the column that names people.
func (t *table) rows() ([]lists.Row, error) {
	if len(t.lines) == 0 {
		return nil, wrong("There is nothing in it. Give one address or ID per line.")
	}
	if len(t.lines) == 1 {
		return t.oneLine(), nil
	}
	column, header, several := t.column()
	if several {
		return nil, wrong("Several columns name people. Name the one that is meant “UPN”, “E-mail” or “ID” in the first line, or leave only that one.")
	}
	if column < 0 {
		return nil, wrong("No column has addresses or IDs of people in it. Name the column “UPN”, “E-mail” or “ID” in the first line, or give nothing but the addresses, one per line.")
	}
	if header {
		t.lines = t.lines[1:]
	}
	var out []lists.Row
	for _, l := range t.lines {
		if column < len(l.cells) {
			if text := strings.TrimSpace(l.cells[column]); text != "" {
				out = append(out, lists.Row{Line: l.number, Text: text})
			}
		}
	}
	switch {
	case len(out) == 0:
		return nil, wrong("The column “%s” has nothing in it.", clip(t.head(column)))
	case len(out) > lists.MaxRows:
		return nil, lists.TooManyRows()
	}
	return out, nil
}

// oneLine is every cell of the only line there is: how mail programs copy addresses.
func (t *table) oneLine() (out []lists.Row) {
	for _, cell := range t.lines[0].cells {
		if text := strings.TrimSpace(cell); text != "" {
			out = append(out, lists.Row{Line: len(out) + 1, Text: text})
		}
	}
	return out
}

func (t *table) head(column int) string {
	if len(t.lines) == 0 || column >= len(t.lines[0].cells) {
		return fmt.Sprint(column + 1)
	}
	return t.lines[0].cells[column]
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// headers are the names of columns that name people, the surest first, as plain makes
// them.
var headers = []string{
	"objectid", "entraid", "entraobjectid", "azureadobjectid", "aadobjectid", "userobjectid", "oid", "id", "userid",
	"upn", "userprincipalname", "principalname", "username", "signinname", "login",
	"mail", "email", "emailaddress", "mailaddress", "primarysmtpaddress", "emailadresse", "workemail",
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// looked is how many lines the column is told from, and tells whether the first is a header.
const looked = 200

// column is the one that names people, and whether the first line is a header; several
// tells that it might as well be another: who is a person's manager must not get what
// was meant for the person. A name counts only where the cells below look like it: many
// an "ID" is a personnel number. Price: one pass over the first lines.
func (t *table) column() (column int, header, several bool) {
	counts, width := map[int]int{}, 0
	for _, l := range t.lines[:min(len(t.lines), looked)] {
		width = max(width, len(l.cells))
		for i, cell := range l.cells {
			if lists.Names(cell) {
				counts[i]++
			}
		}
	}
	first := t.lines[0].cells
	for _, name := range headers {
		for i, cell := range first {
			if plain(cell) == name && (counts[i] > 0 || width == 1) {
				return i, true, false
			}
		}
	}
	best, most, second := -1, 0, 0
	for i := range width {
		if counts[i] > most {
			best, most, second = i, counts[i], most
		} else {
			second = max(second, counts[i])
		}
	}
	if best < 0 && width == 1 { // every row is told what is wrong with it
		return 0, false, false
	}
	// Of several columns, a first line whose cell names nobody is a header nobody knows.
	return best, best >= 0 && width > 1 && (best >= len(first) || !lists.Names(first[best])), second > 0 && second*2 >= most
}
