package card

import (
	"bufio"
	"bytes"
	"html"
	"net/url"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// run is a stretch of text in one style. Lines of a paragraph are slices of runs:
// flat, because Teams knows bold, italic and links only, and because neighbours of
// one style can be joined.
type run struct {
	text         string
	bold, italic bool
	link         string
}

// inlines collects what stands in a block, line by line. Teams shows one line break
// of the source as a space, but people who press Enter mean a new line, as in
// Teams' own compose box.
type inlines struct {
	source []byte
	allow  func(target string) bool // which links may be opened
	auto   bool                     // bare addresses become links
	notes  *notes
	lines  [][]run
}

func (in *inlines) add(style run, text string) {
	for i, part := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		if i > 0 || len(in.lines) == 0 {
			in.lines = append(in.lines, nil)
		}
		if part != "" {
			style.text = strings.Map(printable, part)
			last := len(in.lines) - 1
			in.lines[last] = append(in.lines[last], style)
		}
	}
}

// size is how many runs there are so far.
func (in *inlines) size() int {
	n := 0
	for _, line := range in.lines {
		n += len(line)
	}
	return n
}

// printable makes a space of what has no picture.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// children collects the inline children of n in the given style.
func (in *inlines) children(n ast.Node, style run) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		in.node(c, style)
	}
}

func (in *inlines) node(n ast.Node, style run) {
	switch n := n.(type) {
	case *ast.Text:
		in.text(n, style)
	case *ast.String:
		in.add(style, string(n.Value))
	case *ast.CodeSpan:
		// Teams has no code within a line; its characters are kept.
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				in.add(style, strings.ReplaceAll(string(t.Segment.Value(in.source)), "\n", " "))
			}
		}
	case *ast.Emphasis:
		style.bold = style.bold || n.Level > 1
		style.italic = style.italic || n.Level == 1
		in.children(n, style)
	case *ast.Link:
		in.link(n, destination(n.Destination), style)
	case *ast.AutoLink:
		in.autoLink(n, style)
	case *ast.Image:
		// An image among the text is not shown by Teams, and it would be fetched from
		// an address nobody checked: its description stands for it.
		in.notes.add("Teams shows no images inside the text; the description is shown instead. Use the image field for one picture.")
		in.children(n, style)
	case *ast.RawHTML:
		in.notes.add("HTML is shown as it is written, because Teams does not interpret it.")
		in.add(style, string(n.Segments.Value(in.source)))
	default:
		in.children(n, style)
	}
}

func (in *inlines) text(n *ast.Text, style run) {
	value := n.Segment.Value(in.source)
	if n.IsRaw() {
		in.add(style, string(value))
	} else {
		in.add(style, resolve(value))
	}
	if n.SoftLineBreak() || n.HardLineBreak() {
		in.add(style, "\n")
	}
}

// link keeps a link that may be opened. Of any other the address is shown behind
// the words, so that nothing people wrote is lost and nothing unsafe opens.
func (in *inlines) link(n ast.Node, target string, style run) {
	open := style.link == "" && target != "" && in.allow(target)
	if open {
		style.link = target
	}
	before := in.size()
	in.children(n, style)
	if open && in.size() == before {
		in.add(style, target) // nothing else of the link would show
	}
	if target != "" && style.link == "" {
		in.notes.add("Only links that begin with https:// can be opened; the others are shown as text.")
		in.add(style, " ("+target+")")
	}
}

func (in *inlines) autoLink(n *ast.AutoLink, style run) {
	label := string(n.Label(in.source))
	target := destination(n.URL(in.source))
	if n.Protocol != nil {
		target = "https://" + destination([]byte(label)) // "www.…" without a scheme
	}
	if style.link == "" && in.auto && n.AutoLinkType == ast.AutoLinkURL && in.allow(target) {
		style.link = target
	}
	in.add(style, label)
}

// resolve turns a piece of Markdown source into the characters it stands for:
// backslash escapes and entities. goldmark does that only while writing HTML, so it
// writes HTML here, which is then read back.
func resolve(source []byte) string {
	if bytes.IndexByte(source, '\\') < 0 && bytes.IndexByte(source, '&') < 0 {
		return string(source)
	}
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	gmhtml.DefaultWriter.Write(w, source)
	_ = w.Flush() // a bytes.Buffer takes everything
	return html.UnescapeString(buf.String())
}

// destination is a link's target as it may stand in Markdown: percent-encoded where
// a character would end the link or start something else.
func destination(source []byte) string {
	u, err := url.Parse(string(util.URLEscape(source, true)))
	if err != nil {
		return resolve(source)
	}
	return linkBreakers.Replace(u.String())
}

var linkBreakers = strings.NewReplacer("(", "%28", ")", "%29", "\\", "%5C", " ", "%20", "<", "%3C", ">", "%3E", "\"", "%22", "`", "%60", "{", "%7B", "}", "%7D")
