package card

import (
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// markdown writes a line in Teams' Markdown. Emphasis inside a word, or next to
// punctuation, cannot always be written; what was written is therefore read back,
// and when it does not mean the same, a plainer form is taken. Escaped text alone
// always does.
func markdown(line []run) string {
	line = joined(line)
	plain := make([]run, 0, len(line))
	for _, r := range line {
		plain = append(plain, run{text: r.text, link: r.link})
	}
	plain = joined(plain)
	candidates := []struct {
		runs   []run
		italic string
	}{{line, "_"}, {line, "*"}, {plain, "_"}}
	for _, c := range candidates {
		if md := write(c.runs, c.italic); means(md, c.runs) {
			return md
		}
	}
	return write(spelledOut(plain), "_")
}

// joined puts neighbours of one style together. White space loses its emphasis: a
// marker must not stand next to it.
func joined(line []run) []run {
	var out []run
	put := func(text string, r run) {
		if text == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].bold == r.bold && out[n-1].italic == r.italic && out[n-1].link == r.link {
			out[n-1].text += text
			return
		}
		r.text = text
		out = append(out, r)
	}
	for _, r := range line {
		core := strings.TrimSpace(r.text)
		if core == "" || !r.bold && !r.italic {
			put(r.text, run{link: r.link})
			continue
		}
		before, after, _ := strings.Cut(r.text, core)
		put(before, run{link: r.link})
		put(core, r)
		put(after, run{link: r.link})
	}
	return out
}

// spelledOut turns links into their words with the address behind them.
func spelledOut(line []run) []run {
	var out []run
	for i, r := range line {
		out = append(out, run{text: r.text})
		if last := i == len(line)-1 || line[i+1].link != r.link; r.link != "" && last && r.text != r.link {
			out = append(out, run{text: " (" + r.link + ")"})
		}
	}
	return joined(out)
}

// write writes runs with ** for bold and the given marker for italic.
func write(line []run, italic string) string {
	var b strings.Builder
	for i, r := range line {
		if r.link != "" && (i == 0 || line[i-1].link != r.link) {
			b.WriteString("[")
		}
		bold, slant := "", ""
		if r.bold {
			bold = "**"
		}
		if r.italic {
			slant = italic
		}
		b.WriteString(bold + slant + escapeInline(r.text) + slant + bold)
		if r.link != "" && (i == len(line)-1 || line[i+1].link != r.link) {
			b.WriteString("](" + r.link + ")")
		}
	}
	return escapeStart(strings.TrimSpace(b.String()))
}

// means reads Markdown back and compares it with what it should say.
func means(md string, want []run) bool {
	source := []byte(md)
	first := parse(source).FirstChild()
	if first == nil {
		return len(trimmed(want)) == 0
	}
	if first.Kind() != ast.KindParagraph || first.NextSibling() != nil {
		return false
	}
	in := inlines{source: source, notes: &notes{}, allow: func(string) bool { return true }}
	in.children(first, run{})
	return len(in.lines) == 1 && slices.Equal(trimmed(joined(in.lines[0])), trimmed(want))
}

// trimmed leaves the white space at the line's ends out: Markdown drops it.
func trimmed(line []run) []run {
	out := slices.Clone(line)
	if len(out) > 0 {
		out[0].text = strings.TrimLeftFunc(out[0].text, unicode.IsSpace)
		last := &out[len(out)-1]
		last.text = strings.TrimRightFunc(last.text, unicode.IsSpace)
	}
	return joined(out)
}
