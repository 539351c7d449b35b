package sheet

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast/lists"
)

// fromText reads pasted text or CSV.
func fromText(raw []byte) ([]lists.Row, error) {
	text, err := decoded(raw)
	if err != nil {
		return nil, err
	}
	var t table
	s := scanner{text: text, separator: separatorOf(text), line: 1}
	for s.text != "" {
		number := s.line
		cells, err := s.next()
		if err != nil {
			return nil, err
		}
		if err := t.add(number, cells); err != nil {
			return nil, err
		}
	}
	return t.rows()
}

// decoded makes UTF-8 of UTF-8 or UTF-16, with or without a byte order mark, and of what
// Excel saves as plain CSV in the West (Windows-1252, whose letters are Latin-1's).
func decoded(raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")):
		raw = raw[3:]
	case bytes.HasPrefix(raw, []byte("\xFF\xFE")):
		raw = utf8Of(raw[2:], binary.LittleEndian)
	case bytes.HasPrefix(raw, []byte("\xFE\xFF")):
		raw = utf8Of(raw[2:], binary.BigEndian)
	case zeros(raw, 1):
		raw = utf8Of(raw, binary.LittleEndian)
	case zeros(raw, 0):
		raw = utf8Of(raw, binary.BigEndian)
	}
	if !utf8.Valid(raw) {
		var b strings.Builder
		for _, c := range raw {
			b.WriteRune(rune(c))
		}
		raw = []byte(b.String())
	}
	for _, r := range string(raw[:min(len(raw), 1<<20)]) {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0x80 {
			return "", wrong("This is neither text nor an Excel workbook (.xlsx). Save it as CSV or .xlsx and upload that.")
		}
	}
	return strings.ReplaceAll(string(raw), "\x00", ""), nil
}

// zeros tells whether the beginning has a zero at every second place: Western text in
// UTF-16 without a mark.
func zeros(raw []byte, at int) bool {
	if len(raw) < 8 || len(raw)%2 != 0 {
		return false
	}
	for i := range 8 {
		if raw[i] == 0 != (i%2 == at) {
			return false
		}
	}
	return true
}

func utf8Of(raw []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// separatorOf is the sign that most often stands in the first lines outside quotes; 0
// for none. Of signs as frequent the earlier counts.
func separatorOf(text string) byte {
	counts, quoted := [256]int{}, false
	for i := 0; i < len(text) && i < 16<<10; i++ {
		if text[i] == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[text[i]]++
		}
	}
	best := byte(0)
	for _, c := range []byte{'\t', ';', ','} {
		if counts[c] > 0 && (best == 0 || counts[c] > counts[best]) {
			best = c
		}
	}
	return best
}

// scanner reads lines of cells. It is more forgiving than RFC 4180: a quote in the
// middle of a cell is a quote.
type scanner struct {
	text      string
	separator byte
	line      int
}

// maxQuoted is how long a quoted cell may be: a quote that is never closed must not make
// one cell of the whole file.
const maxQuoted = 64 << 10

func (s *scanner) next() (cells []string, err error) {
	for {
		cell, err := s.cell()
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell)
		if s.text == "" {
			return cells, nil
		}
		end := s.text[0]
		s.text = s.text[1:]
		if end == '\r' && strings.HasPrefix(s.text, "\n") {
			s.text = s.text[1:]
		}
		if end == '\n' || end == '\r' {
			s.line++
			return cells, nil
		}
	}
}

func (s *scanner) cell() (string, error) {
	if strings.HasPrefix(s.text, `"`) {
		return s.quoted()
	}
	end := 0
	for end < len(s.text) && s.text[end] != '\n' && s.text[end] != '\r' && (s.separator == 0 || s.text[end] != s.separator) {
		end++
	}
	cell := s.text[:end]
	s.text = s.text[end:]
	return cell, nil
}

func (s *scanner) quoted() (string, error) {
	begun := s.line
	var b strings.Builder
	for i := 1; i < len(s.text) && b.Len() < maxQuoted; i++ {
		switch c := s.text[i]; {
		case c == '"' && i+1 < len(s.text) && s.text[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			s.text = s.text[i+1:]
			rest, err := s.cell() // what follows the quote belongs to it
			return b.String() + rest, err
		default:
			if c == '\n' {
				s.line++
			}
			b.WriteByte(c)
		}
	}
	return "", wrong("The quotation mark that opens in line %d is never closed. Close it or take it out.", begun)
}
