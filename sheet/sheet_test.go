package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/sheet"
)

// utf16Of is text in UTF-16, as Windows saves "Unicode text".
func utf16Of(text string, order binary.AppendByteOrder, mark bool) []byte {
	var out []byte
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xFEFF}, units...)
	}
	for _, u := range units {
		out = order.AppendUint16(out, u)
	}
	return out
}

func texts(rows []lists.Row) (out []string) {
	for _, r := range rows {
		out = append(out, r.Text)
	}
	return out
}

// workbook is an Excel workbook of rows.
func workbook(t testing.TB, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const (
	ada = "ada@contoso.com"
	ben = "Ben.Müller@contoso.com"
	id  = "60000000-0000-4000-8000-00000000AB1E"
)

func TestEveryFormOfAListIsRead(t *testing.T) {
	t.Parallel()
	both := []string{ada, ben}
	for name, c := range map[string]struct {
		raw  []byte
		want []string
	}{
		"a line each":                {[]byte(ada + "\n" + ben), both},
		"Windows' line ends":         {[]byte(ada + "\r\n\r\n" + ben + "\r\n"), both},
		"old Macs' line ends":        {[]byte(ada + "\r" + ben), both},
		"a byte order mark":          {[]byte("\xEF\xBB\xBF" + ada + "\n" + ben), both},
		"Windows-1252":               {[]byte(ada + "\nBen.M\xFCller@contoso.com"), both},
		"UTF-16 little-endian":       {utf16Of(ada+"\r\n"+ben, binary.LittleEndian, true), both},
		"UTF-16 big-endian":          {utf16Of(ada+"\r\n"+ben, binary.BigEndian, true), both},
		"UTF-16 without a mark":      {utf16Of(ada+"\r\n"+ben, binary.LittleEndian, false), both},
		"a header, commas":           {[]byte("Name,UPN\nAda," + ada + "\nBen," + ben), both},
		"a header, semicolons":       {[]byte("Name;E-Mail;Ort\nAda;" + ada + ";Wien\nBen;" + ben + ";Graz\n"), both},
		"a header, tabs":             {[]byte("userPrincipalName\tName\n" + ada + "\tAda\n" + ben + "\tBen"), both},
		"quoted":                     {[]byte("Name,Mail\n\"Ada \"\"The\nCountess\"\"\",\"" + ada + "\"\n\"Müller, Ben\"," + ben), both},
		"no header":                  {[]byte("Ada," + ada + "\nBen," + ben), both},
		"a header nobody knows":      {[]byte("Wer;Wo\nAda;" + ada + "\nBen;" + ben), both},
		"an ID that is a number":     {[]byte("ID,E-Mail\n7," + ada + "\n8," + ben), both},
		"an ID beside a mail":        {[]byte("E-Mail,Object ID\n" + ada + "," + id + "\n" + ben + "," + id), []string{id, id}},
		"a manager's mail beside":    {[]byte("Manager,UPN\nboss@contoso.com," + ada + "\nboss@contoso.com," + ben), both},
		"rows that name nobody":      {[]byte("Mail\n" + ada + "\nunknown\n"), []string{ada, "unknown"}},
		"only nonsense":              {[]byte("hello\nworld"), []string{"hello", "world"}},
		"as mail programs copy them": {[]byte("Ada <" + ada + ">; Ben <" + ben + ">;"), []string{"Ada <" + ada + ">", "Ben <" + ben + ">"}},
		"short rows":                 {[]byte("Name,Mail\nAda\nBen," + ben + "\nCora," + ada), []string{ben, ada}},
		"a workbook":                 {workbook(t, []any{"Name", "E-Mail"}, []any{"Ada", ada}, []any{}, []any{"Ben", ben}), both},
		"a workbook of one column":   {workbook(t, []any{ada}, []any{ben}), both},
		"a formula":                  {[]byte("Mail\n=HYPERLINK(\"http://x\")\n" + ada), []string{"=HYPERLINK(\"http://x\")", ada}},
	} {
		rows, err := sheet.Read(c.raw)
		if err != nil || !slices.Equal(texts(rows), c.want) {
			t.Errorf("%s: %q, %v; want %q", name, texts(rows), err, c.want)
		}
		for i := 1; i < len(rows); i++ {
			if rows[i].Line <= rows[i-1].Line {
				t.Errorf("%s: line %d comes after %d", name, rows[i].Line, rows[i-1].Line)
			}
		}
	}
}

func TestALineIsThatOfTheFile(t *testing.T) {
	t.Parallel()
	rows, err := sheet.Read([]byte("Name,Mail\n\"A\nB\"," + ada + "\n\nBen," + ben))
	if err != nil || len(rows) != 2 || rows[0].Line != 2 || rows[1].Line != 5 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// zipped is a ZIP file of some parts.
func zipped(t testing.TB, parts map[string]io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, r := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// again reads a text over and over.
func again(text string, n int) io.Reader { return strings.NewReader(strings.Repeat(text, n)) }

// swapped is a workbook with one part in another's place.
func swapped(t testing.TB, name, text string) []byte {
	t.Helper()
	raw := workbook(t, []any{ada})
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]io.Reader{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name] = r; f.Name == name {
			parts[f.Name] = strings.NewReader(text)
		}
	}
	return zipped(t, parts)
}

func TestWhatCannotBeReadIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	wide := swapped(t, "xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`+
		strings.Repeat(`<row><c r="XFD1" t="inlineStr"><is><t>x</t></is></c></row>`, 10_000)+`</sheetData></worksheet>`)
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"nothing":              {nil, "nothing in it"},
		"only white space":     {[]byte(" \n\t\r\n"), "nothing in it"},
		"a picture":            {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "neither text nor"},
		"NUL bytes":            {[]byte(ada + "\n" + "b\x00n@contoso.com"), "neither text nor"},
		"an old workbook":      {[]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "old Excel file"},
		"eleven megabytes":     {bytes.Repeat([]byte("a@b.c\n"), 2_000_000), "larger than 10 MB"},
		"a million lines":      {bytes.Repeat([]byte("a@b.cd\n"), 1_000_000), "more than 200,000 rows"},
		"one too many":         {bytes.Repeat([]byte("a@b.c\n"), 200_002), "more than 200,000 rows"},
		"no column of people":  {[]byte("Name,Age\nAda,36\nBen,40"), "No column has addresses"},
		"several columns":      {[]byte(ada + "," + ben + "\n" + ada + "," + ben), "Several columns name people"},
		"only a header":        {[]byte("UPN,Mail\n,\nx,y"), "No column"},
		"a quote never closed": {[]byte("Name,Mail\n\"Ada,ada@contoso.com\n" + strings.Repeat("x\n", 100_000)), "opens in line 2"},
		"a ZIP of something":   {zipped(t, map[string]io.Reader{"list.csv": strings.NewReader(ada)}), "not an Excel workbook"},
		"half a workbook":      {workbook(t, []any{ada})[:900], "cannot be read"},
		"a torn sheet":         {swapped(t, "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row"), ""},
		"a bomb of a sheet":    {zipped(t, map[string]io.Reader{"xl/workbook.xml": again(" ", 1), "xl/worksheets/sheet1.xml": again("0", 65<<20)}), "unpacks to more"},
		"a bomb of styles":     {zipped(t, map[string]io.Reader{"xl/workbook.xml": again(" ", 1), "xl/styles.xml": again("0", 9<<20)}), "unpacks to more"},
		"a bomb of texts":      {zipped(t, map[string]io.Reader{"xl/workbook.xml": again(" ", 1), "xl/sharedStrings.xml": again("<si/>", 2_100_000)}), "unpacks to more"},
		"a bomb of columns":    {wide, "more than 4 million cells"},
	} {
		rows, err := sheet.Read(c.raw)
		e := broadcast.AsError(err)
		if e == nil || e.Code != broadcast.Invalid || e.Field != "rows" || !strings.Contains(e.Message, c.says) || !strings.HasSuffix(e.Message, ".") {
			t.Errorf("%s: %d rows, %v; want %q", name, len(rows), err, c.says)
		}
	}
}

func TestAWorkbookOfAsManyRowsAsMayBeIsRead(t *testing.T) {
	t.Parallel()
	rows := make([][]any, 0, lists.MaxRows+1)
	rows = append(rows, []any{"Name", "UPN"})
	for i := range lists.MaxRows {
		rows = append(rows, []any{fmt.Sprintf("Person %d", i), fmt.Sprintf("person%d@contoso.example", i)})
	}
	raw := workbook(t, rows...)
	got, err := sheet.Read(raw)
	if err != nil || len(got) != lists.MaxRows || got[0].Line != 2 {
		t.Errorf("%d bytes: %d rows, %v", len(raw), len(got), err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Name,Mail\n\"Ada\"," + ada))
	f.Add(utf16Of(ada, binary.LittleEndian, true))
	f.Add(workbook(f, []any{ada}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := sheet.Read(raw)
		if err != nil && broadcast.AsError(err) == nil || err == nil && len(rows) == 0 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}
