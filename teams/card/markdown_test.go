package card

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark/ast"
)

// safe allows what the product allows.
func safe(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "https" && u.Host != "" || target == "http://127.0.0.1:9443/")
}

// texts lists the TextBlocks of a card, depth first.
func texts(elements []Element) []string {
	var out []string
	for _, e := range elements {
		if e.Type == "TextBlock" {
			out = append(out, e.Text)
		}
		out = append(out, texts(e.Items)...)
		out = append(out, texts(e.Columns)...)
	}
	return out
}

func TestMarkdownBecomesWhatTeamsRenders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"emphasis", "a **b** *c* ***d***", "a **b** _c_ **_d_**"},
		{"emphasis inside emphasis", "**bold _both_ bold**", "**bold** **_both_** **bold**"},
		{"emphasis inside a word", "un*frigging*believable **b**old", "un*frigging*believable **b**old"},
		{"italic beside bold", "*a*__b__", "_a_**b**"},
		{"spaces inside emphasis", "**a **b**", `\*\*a **b**`},
		{"entity white space inside emphasis", "x *&nbsp;y&nbsp;* z", "x \u00a0_y_\u00a0 z"},
		{"link", `[the *page*](https://x.example/a "title")`, "[the _page_](https://x.example/a)"},
		{"link with parentheses", "[a](<https://x.example/a (1)>)", "[a](https://x.example/a%20%281%29)"},
		{"link over two lines", "[a\nb](https://x.example)", "[a](https://x.example) | [b](https://x.example)"},
		{"link around nothing", "[](https://x.example/)", "[https://x.example/](https://x.example/)"},
		{"link that does not open", "[shop](http://x.example/) [js](javascript:alert)", "shop (http://x.example/) js (javascript:alert)"},
		{"allowed loopback link", "[a](http://127.0.0.1:9443/)", "[a](http://127.0.0.1:9443/)"},
		{"reference link", "[a][1]\n\n[1]: https://x.example/", "[a](https://x.example/)"},
		{"bare address", "see https://x.example/a_b_c.", `see [https://x.example/a\_b\_c](https://x.example/a_b_c).`},
		{"bare www", "www.x.example", "[www.x.example](https://www.x.example)"},
		{"mail address", "a_b@x.example", `a\_b@x.example`},
		{"exclamation before a link", "Look\\![here](https://x.example) !", `Look\![here](https://x.example) \!`},
		{"escaped stars", `\*not\* \_emphasis\_`, `\*not\* \_emphasis\_`},
		{"strikethrough stays as typed", "~~Friday~~", `\~\~Friday\~\~`},
		{"entities are characters", "&lt;3 &amp;amp; &copy; &nosuch;", "\\<3 \\&amp; © \\&nosuch;"},
		{"card dates are not replaced", "{{DATE(2026-01-02T03:04:05Z)}} ${x}", `{\{DATE(2026-01-02T03:04:05Z)}} $\{x}`},
		{"html stays text", "a <b>c</b> <script>", `a \<b\>c\</b\> \<script\>`},
		{"html block", "<div>\n<p>x</p>\n</div>", `\<div\> | \<p\>x\</p\> | \</div\>`},
		{"html comment", "<!-- a\nb -->", `\<!-- a | b --\>`},
		{"image", "before ![a *lift*](https://x.example/i.png) after", "before a _lift_ after"},
		{"code span", "run `a*b_c` now", `run a\*b\_c now`},
		{"address in code", "**x** `https://x.example/` [y](https://y.example/)", `**x** https://x.example/ [y](https://y.example/)`},
		{"line break", "a\nb  \nc\\\nd", "a | b | c | d"},
		{"number at the start", `2026\. A year`, `2026\. A year`},
		{"hash at the start", `\# not a heading`, `\# not a heading`},
		{"dash at the start", `\- not a list`, `\- not a list`},
		{"minus keeps its looks", "-5 °C and #hashtag", "-5 °C and #hashtag"},
		{"list", "* a\n* b", "- a\r- b"},
		{"ordered list", "3) a\n4) b", "3. a\r4. b"},
		{"loose list", "- a\n\n- b", "- a\r- b"},
		{"list item like a list", "- \\- a", "- \\- a"},
		{"nested list", "1. a\n   - b\n     - c\n2. d", "1. a | - b | - c | 2. d"},
		{"item with two paragraphs", "- a\n\n  b\n- c", "- a | b | - c"},
		{"empty item", "-\n- a", "- \u00a0\r- a"},
		{"task list stays as typed", "- [x] done", `- \[x\] done`},
		{"quote", "> a\n> > b", "a | b"},
		{"indented code", "    a\n      b", "a | \u00a0\u00a0b"},
		{"code with blank line", "```\na\n\n*b*\n```", "a | \u00a0 | \\*b\\*"},
		{"table", "|a|b|\n|-|-|\n|1||\n|2|**3**|", "- a: 1; b: –\r- a: 2; b: **3**"},
		{"table without rows", "|a|b|\n|-|-|", "a | b"},
		{"rule", "a\n\n***\n\nb", "a | b"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _ := Render(c.body, safe)
			if diff := cmp.Diff(c.want, strings.Join(texts(got), " | ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeepNestingStaysDrawable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{strings.Repeat("> ", 5000) + "a", strings.Repeat("- ", 5000) + "a", strings.Repeat("*", 20_000), strings.Repeat("[", 20_000)} {
		got, _ := Render(body, safe)
		if d := depth(got); d > 2*(maxDepth+2) {
			t.Errorf("%.10q… became %d levels of elements", body, d)
		}
	}
}

func depth(elements []Element) int {
	deepest := 0
	for _, e := range elements {
		deepest = max(deepest, 1+depth(e.Items), 1+depth(e.Columns))
	}
	return deepest
}

func TestNotesSayWhatTeamsWillNotShow(t *testing.T) {
	t.Parallel()
	notes := func(body string) []string {
		_, notes := Render(body, safe)
		return notes
	}
	if n := notes("plain **text** and [a link](https://x.example)"); len(n) != 0 {
		t.Errorf("notes on what is shown as written: %q", n)
	}
	n := notes("![a](https://x.example/i.png) ![b](https://x.example/j.png)\n\n<b>x</b> [c](http://x.example)")
	if len(n) != 3 {
		t.Errorf("want a note on images, one on HTML, one on links, each once: %q", n)
	}
}

// FuzzRender holds the promises of every card, whatever people write: nothing of it
// is interpreted as HTML or image, every link opens safely, no letter is lost, and
// the card is valid JSON.
func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"# a\n\n1. b\n2. c:\n   - d\n\n> e\n\n| f | g |\n|---|---|\n| h |  |\n\n---\n\n```go\ni {\n\tj()\n}\n```", "a*b*c _d_", "**a**b**c**", "[a](https://x.example/?a=1&copy;=2)", "*&nbsp;a*b", "![a](b)", "<b>", "&#42;a&#42;",
		"- a\n  1. b\n\n     c", "`` ` ``", "a\\\nb", "[*a*b](https://x)c", "\u2028", "x\x00y", "|a\n|-\n|b|c", "__a*b__c*", "[a]: b\n[a]", "\xe5\xae`\xb7`0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4000 {
			return
		}
		body = strings.ToValidUTF8(body, "\uFFFD")
		elements, _ := Render(body, safe)
		if raw, err := json.Marshal(elements); err != nil || !json.Valid(raw) {
			t.Fatalf("not JSON: %v", err)
		}
		var shown strings.Builder
		for _, md := range texts(elements) {
			for line := range strings.SplitSeq(md, "\r") {
				source := []byte(line)
				inspect(t, source, parse(source))
			}
			shown.WriteString(plain(md))
		}
		if want, got := letters(plain(body)), letters(shown.String()); len(want) > 0 && !containsAll(got, want) {
			t.Errorf("letters got lost: %q became %q", want, got)
		}
	})
}

// inspect fails on anything in shown Markdown that would do more than show text.
func inspect(t *testing.T, source []byte, n ast.Node) {
	t.Helper()
	switch n := n.(type) {
	case *ast.Image, *ast.RawHTML, *ast.HTMLBlock, *ast.Heading, *ast.CodeSpan, *ast.FencedCodeBlock, *ast.Blockquote:
		t.Errorf("%q holds a %s", source, n.Kind())
	case *ast.Link:
		if !safe(string(n.Destination)) {
			t.Errorf("%q links to %q", source, n.Destination)
		}
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		inspect(t, source, c)
	}
}

// plain is the text a reader of Markdown sees.
func plain(md string) string {
	source := []byte(md)
	var b strings.Builder
	_ = ast.Walk(parse(source), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering && n.Parent().Kind() == ast.KindCodeSpan {
				b.Write(n.Segment.Value(source))
			} else if entering {
				b.WriteString(resolve(n.Segment.Value(source)))
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(source))
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if entering {
				b.Write(n.Lines().Value(source))
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

func letters(s string) []rune {
	var out []rune
	for _, r := range s {
		if unicode.IsLetter(r) {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

// containsAll tells whether the sorted have holds every rune of the sorted want.
func containsAll(have, want []rune) bool {
	for _, r := range want {
		i := slices.Index(have, r)
		if i < 0 {
			return false
		}
		have = have[i+1:]
	}
	return true
}
