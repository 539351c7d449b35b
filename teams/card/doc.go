// Package card draws people's Markdown as Adaptive Card elements.
//
//	Markdown ──goldmark──► tree ──markdown.go──► elements
//	                              └─inline.go──► runs of text ──write.go──► Teams' Markdown
//
// Teams' cards know bold, italic, links and flat lists; everything else is drawn
// with elements of its own (headings, quotes, code, nested lists) or told in words
// (tables, images). What people typed stays what people read: escape.go keeps their
// stars and brackets from meaning anything, and HTML is never interpreted.
package card
