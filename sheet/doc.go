// Package sheet reads the rows out of what people upload or paste: text, CSV, or the
// first sheet of an Excel workbook.
//
//	bytes ──► workbook (ZIP) ──► rows of cells ──┐
//	     └──► text, its encoding and separator ──┴─► the one column that names people ──► rows
//
// What comes from outside is bounded before it is believed: size, rows, cells, and what
// a workbook unpacks to. Whatever cannot be read is refused with a sentence.
package sheet
