package card

import (
	"strings"
	"unicode/utf8"
)

// Escape writes text so that Teams' Markdown shows exactly these characters, on one
// line. People's stars, brackets and underscores stay theirs.
func Escape(text string) string {
	return escapeStart(strings.TrimSpace(escapeInline(strings.Join(strings.Fields(text), " "))))
}

// escapeInline escapes what means something anywhere in a line. !, & and { are
// escaped only where they would begin an image, an entity or one of the {{DATE(…)}}
// that cards replace before they read Markdown: text stays readable on clients that
// show the backslash.
func escapeInline(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var b strings.Builder
	b.Grow(len(text) + 8)
	var before rune
	for i, r := range text {
		rest := text[i+utf8.RuneLen(r):]
		switch {
		case strings.ContainsRune("\\`*_[]<>~", r),
			r == '!' && (rest == "" || rest[0] == '['),
			r == '{' && (before == '{' || before == '$'),
			r == '&' && beginsEntity(rest):
			b.WriteByte('\\')
		}
		before = r
		b.WriteRune(printable(r))
	}
	return b.String()
}

// beginsEntity tells whether what follows & makes it an entity: letters, digits or #
// up to a semicolon.
func beginsEntity(rest string) bool {
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '#' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	return end > 0 && rest[end] == ';'
}

// escapeStart escapes what means something at the start of a line only: headings,
// list items, rules and quotes.
func escapeStart(line string) string {
	if line == "" {
		return line
	}
	if strings.ContainsRune("#-+=", rune(line[0])) && (len(line) == 1 || line[1] == ' ' || line[1] == line[0]) {
		return "\\" + line
	}
	digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
	if digits > 0 && digits < len(line) && (line[digits] == '.' || line[digits] == ')') {
		return line[:digits] + "\\" + line[digits:]
	}
	return line
}
