package card

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// maxDepth is how deep quotes and lists are drawn inside each other; what lies
// deeper is drawn at that depth. Beyond it nothing fits on a telephone, and a line
// of ten thousand ">" must not become ten thousand containers.
const maxDepth = 5

// nbsp keeps a line that would otherwise be empty, and the indent of code.
const nbsp = "\u00a0"

// notes are sentences for the author, each once.
type notes struct{ list []string }

func (n *notes) add(s string) {
	if !slices.Contains(n.list, s) {
		n.list = append(n.list, s)
	}
}

// parser is safe for concurrent use. There is no strikethrough: Teams' cards do not
// know it, and "~~Friday~~" shown as Friday would say the opposite.
var parser = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Linkify)).Parser()

func parse(source []byte) ast.Node { return parser.Parse(text.NewReader(source)) }

// renderer draws goldmark's tree as card elements.
type renderer struct {
	source []byte
	allow  func(target string) bool
	notes  notes
}

// Render turns Markdown into card elements. allow tells which links may be opened;
// the others are shown as text. The notes are sentences for the author on what Teams
// does not show as it was written.
func Render(markdown string, allow func(target string) bool) (elements []Element, authorNotes []string) {
	r := &renderer{source: []byte(strings.ToValidUTF8(markdown, "\uFFFD")), allow: allow}
	out := r.blocks(nil, parse(r.source).FirstChild(), 0)
	return out, r.notes.list
}

// blocks draws a node and its siblings. Like everything that draws it appends to
// out: text nested ten thousand deep would be copied as often otherwise.
func (r *renderer) blocks(out []Element, n ast.Node, depth int) []Element {
	rule := false
	for ; n != nil; n = n.NextSibling() {
		if n.Kind() == ast.KindThematicBreak {
			rule = true
			continue
		}
		at := len(out)
		out = r.block(out, n, depth)
		if rule && len(out) > at {
			out[at].Separator, out[at].Spacing, rule = true, "Medium", false
		}
	}
	return out
}

func (r *renderer) block(out []Element, n ast.Node, depth int) []Element {
	switch n := n.(type) {
	case *ast.Heading:
		return append(out, r.heading(n)...)
	case *ast.List:
		return r.list(out, n, depth)
	case *ast.Blockquote:
		if depth >= maxDepth {
			return r.blocks(out, n.FirstChild(), depth)
		}
		return append(out, boxed(r.blocks(nil, n.FirstChild(), depth+1))...)
	case *ast.FencedCodeBlock:
		return append(out, boxed(codeLines(string(n.Lines().Value(r.source))))...)
	case *ast.CodeBlock:
		return append(out, boxed(codeLines(string(n.Lines().Value(r.source))))...)
	case *ast.HTMLBlock:
		return append(out, r.html(n)...)
	case *extast.Table:
		return append(out, r.table(n)...)
	}
	return append(out, paragraph(r.lines(n))...)
}

// lines collects a block's text, without lines that have none.
func (r *renderer) lines(n ast.Node) []string {
	in := inlines{source: r.source, allow: r.allow, auto: true, notes: &r.notes}
	in.children(n, run{})
	var out []string
	for _, line := range in.lines {
		if md := markdown(line); md != "" {
			out = append(out, md)
		}
	}
	return out
}

// paragraph is one TextBlock a line: clients differ in what they make of a line
// break inside a TextBlock, but none differs in this.
func paragraph(lines []string) []Element {
	out := make([]Element, 0, len(lines))
	for i, md := range lines {
		e := textBlock(md)
		if i > 0 {
			e.Spacing = "None"
		}
		out = append(out, e)
	}
	return out
}

func (r *renderer) heading(n *ast.Heading) []Element {
	out := paragraph(r.lines(n))
	for i := range out {
		out[i].Weight, out[i].Style = "Bolder", "heading"
		if n.Level <= 2 {
			out[i].Size = "Medium"
		}
	}
	return out
}

// boxed sets a quote or code off from the text around it.
func boxed(items []Element) []Element {
	if len(items) == 0 {
		return nil
	}
	return []Element{{Type: "Container", Style: "emphasis", Items: items}}
}

func codeLines(code string) []Element {
	lines := strings.Split(strings.TrimRight(code, "\r\n"), "\n")
	for i, line := range lines {
		line = strings.Map(printable, strings.ReplaceAll(line, "\t", "    "))
		line = strings.TrimRight(line, " ")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = strings.Repeat(nbsp, indent) + escapeStart(escapeInline(line[indent:]))
		if lines[i] == "" {
			lines[i] = nbsp
		}
	}
	out := paragraph(lines)
	for i := range out {
		out[i].FontType = "Monospace"
	}
	return out
}

// html shows raw HTML as the text it is; it is never interpreted.
func (r *renderer) html(n *ast.HTMLBlock) []Element {
	r.notes.add("HTML is shown as it is written, because Teams does not interpret it.")
	raw := string(n.Lines().Value(r.source))
	if n.HasClosure() {
		raw += string(n.ClosureLine.Value(r.source))
	}
	var lines []string
	for line := range strings.Lines(raw) {
		if md := Escape(line); md != "" {
			lines = append(lines, md)
		}
	}
	return paragraph(lines)
}

// list writes simple items as Teams' Markdown list, with the line ends the card
// documentation asks for. Whatever else stands in an item (a second paragraph, a
// nested list) follows indented, because Teams' Markdown cannot nest.
func (r *renderer) list(out []Element, l *ast.List, depth int) []Element {
	began := len(out)
	var items []string
	flush := func() {
		if len(items) == 0 {
			return
		}
		e := textBlock(strings.Join(items, "\r"))
		if len(out) > began {
			e.Spacing = "Small"
		}
		out, items = append(out, e), nil
	}
	number := l.Start
	for n := l.FirstChild(); n != nil; n = n.NextSibling() {
		marker := "- "
		if l.IsOrdered() {
			marker = fmt.Sprintf("%d. ", number)
			number++
		}
		lines, next := r.itemLines(n)
		items = append(items, marker+lines[0])
		if len(lines) == 1 && next == nil {
			continue
		}
		flush()
		if depth >= maxDepth {
			out = r.blocks(append(out, paragraph(lines[1:])...), next, depth)
			continue
		}
		if inner := r.blocks(paragraph(lines[1:]), next, depth+1); len(inner) > 0 {
			out = append(out, indented(inner))
		}
	}
	flush()
	return out
}

// itemLines is the text a list item begins with, at least one line, and the first
// of the blocks that follow it.
func (r *renderer) itemLines(item ast.Node) ([]string, ast.Node) {
	first := item.FirstChild()
	if first == nil || first.Kind() != ast.KindTextBlock && first.Kind() != ast.KindParagraph {
		return []string{nbsp}, first
	}
	if lines := r.lines(first); len(lines) > 0 {
		return lines, first.NextSibling()
	}
	return []string{nbsp}, first.NextSibling()
}

func indented(items []Element) Element {
	return Element{Type: "ColumnSet", Spacing: "Small", Columns: []Element{
		{Type: "Column", Width: "16px"},
		{Type: "Column", Width: "stretch", Items: items},
	}}
}

// table writes every row as a list item that repeats the headings: a table does not
// fit on a telephone, and older clients do not draw one.
func (r *renderer) table(t *extast.Table) []Element {
	var head, rows []string
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, strings.Join(r.lines(c), " "))
		}
		if row.Kind() == extast.KindTableHeader {
			head = cells
			continue
		}
		rows = append(rows, "- "+rowText(head, cells))
	}
	if len(rows) == 0 {
		return paragraph([]string{strings.Join(head, " | ")})
	}
	return []Element{textBlock(strings.Join(rows, "\r"))}
}

func rowText(head, cells []string) string {
	var parts []string
	for i, cell := range cells {
		if i < len(head) && head[i] != "" {
			cell = head[i] + ": " + cmp.Or(cell, "–")
		}
		if cell != "" {
			parts = append(parts, cell)
		}
	}
	return cmp.Or(strings.Join(parts, "; "), nbsp)
}
