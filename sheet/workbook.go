package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
)

// What a workbook may unpack to. A ZIP of ten megabytes can hold ten gigabytes of
// nothing, and excelize keeps the shared texts as objects a dozen times their size.
const (
	maxUnpacked = 64 << 20
	maxOther    = 8 << 20 // parts that are neither a sheet nor the shared texts
	maxParts    = 2_000
	maxShared   = 1_000_000
)

// one workbook at a time is opened by a process: each may take some hundred megabytes.
var one = make(chan struct{}, 1)

// fromWorkbook reads the first sheet.
func fromWorkbook(raw []byte) ([]lists.Row, error) {
	one <- struct{}{}
	defer func() { <-one }()
	if err := harmless(raw); err != nil {
		return nil, err
	}
	// Nothing is unpacked to the disk: there may be none to write to.
	book, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked, RawCellValue: true})
	if err != nil {
		return nil, unreadable()
	}
	t, err := firstSheet(book)
	if err = errors.Join(err, book.Close()); err != nil {
		if e := broadcast.AsError(err); e != nil {
			return nil, e
		}
		return nil, unreadable()
	}
	return t.rows()
}

func unreadable() *broadcast.Error {
	return wrong("This Excel workbook cannot be read. Open it in Excel, save it anew as .xlsx without a password, or as CSV, and upload that.")
}

func firstSheet(book *excelize.File) (*table, error) {
	names := book.GetSheetList()
	if len(names) == 0 {
		return nil, unreadable()
	}
	rows, err := book.Rows(names[0])
	if err != nil {
		return nil, err
	}
	t := &table{}
	for number := 1; rows.Next(); number++ {
		cells, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err == nil {
			err = t.add(number, cells)
		}
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
	}
	return t, errors.Join(rows.Error(), rows.Close())
}

// harmless looks at what the parts unpack to before anybody believes them. Price: the
// shared texts are unpacked once more.
func harmless(raw []byte) error {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return unreadable()
	}
	tooLarge := wrong("This Excel workbook unpacks to more than can be taken in. Copy the column with the addresses or IDs into a new workbook, or save it as CSV.")
	if len(z.File) > maxParts {
		return tooLarge
	}
	total, workbook := uint64(0), false
	for _, part := range z.File {
		name := strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))
		large := strings.HasPrefix(name, "xl/worksheets/") || strings.HasSuffix(name, "sharedstrings.xml")
		workbook = workbook || strings.HasSuffix(name, "workbook.xml")
		if total += part.UncompressedSize64; total > maxUnpacked || !large && part.UncompressedSize64 > maxOther {
			return tooLarge
		}
		if !strings.HasSuffix(name, "sharedstrings.xml") {
			continue
		}
		n, err := countShared(part)
		if err != nil {
			return unreadable()
		}
		if n > maxShared {
			return tooLarge
		}
	}
	if !workbook {
		return wrong("This ZIP file is not an Excel workbook. Unpack it and upload the list in it.")
	}
	return nil
}

// countShared counts the shared texts without keeping them.
func countShared(part *zip.File) (n int, err error) {
	r, err := part.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	page := make([]byte, 64<<10)
	kept := 0
	for {
		m, err := r.Read(page[kept:])
		seen := page[:kept+m]
		for _, tag := range [][]byte{[]byte("<si"), []byte("<r>"), []byte("<t>")} {
			n += bytes.Count(seen, tag) // runs and texts are objects too
		}
		if err == io.EOF {
			return n / 2, nil
		}
		if err != nil {
			return n, err
		}
		kept = copy(page, seen[max(0, len(seen)-2):]) // a tag across two pages
	}
}
