package web

import (
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
	listed "github.com/fanfare/fanfare/broadcast/lists"
	"github.com/fanfare/fanfare/web/frame"
	"github.com/fanfare/fanfare/web/lists"
)

func sampleList() listed.List {
	return listed.List{ID: "0190a1b2-c3d4-7000-8000-00000000115f", Name: nasty, By: ada.ActorRef, CreatedAt: noon, Rows: 9, Found: 3, People: 2}
}

func listSamplesOf() []sample {
	l := sampleList()
	p := lists.ReportPage{Page: framed(ada, "List: "+l.Name, "list"), Report: listed.Report{List: l}, Mine: true, Writer: true}
	p.Tabs, p.Tab = frame.PickTab(lists.ReportTabs(l), "", func(n string) string { return frame.Link("", "show", n) })
	full := p
	for i, problem := range listed.Problems() {
		full.Outcomes = append(full.Outcomes, listed.Outcome{Row: listed.Row{Line: i + 2, Text: nasty}, Problem: problem})
	}
	full.Outcomes[0].EntraID, full.Outcomes[0].Name, full.Outcomes[0].Excluded = "e", "Mia Marino", broadcast.ReasonGuest
	full.Outcomes[1].EntraID, full.Outcomes[1].FirstLine = "e", 2
	full.Pager.First, full.Pager.Next = "/", "/?after=9"
	asked := p
	asked.Ask = true
	reader := full
	reader.Page, reader.Mine, reader.Writer = framed(dan, "List", "list"), false, false
	shelf := lists.ShelfPage{Page: framed(ada, "Lists and saved audiences", "list"), Writer: true}
	filled := shelf
	filled.Lists = []listed.List{l}
	for _, id := range []broadcast.ID{"a", "b", "c"} {
		filled.Saved = append(filled.Saved, listed.Saved{ID: id, Name: nasty, Audience: audience.Of(audience.Part{Kind: audience.List, ID: string(l.ID), Name: nasty}), By: ben.ActorRef, CreatedAt: noon})
	}
	filled.Rename, filled.Drop, filled.Problem = "a", "b", "There is already one of this name."
	wrong := lists.UploadPage{Page: framed(ada, "Upload or paste a list", "list"), Name: nasty, Text: nasty, Problems: []frame.Problem{{Field: "name", Message: "Give it a name."}, {Field: "rows", Message: nasty}}}
	return []sample{
		{"list-report", "list_report", full},
		{"list-report-none", "list_report", p},
		{"list-report-ask", "list_report", asked},
		{"list-report-reader", "list_report", reader},
		{"lists-none", "lists", shelf},
		{"lists-full", "lists", filled},
		{"list-new", "list_new", lists.UploadPage{Page: framed(ada, "Upload or paste a list", "list")}},
		{"list-new-wrong", "list_new", wrong},
	}
}
