package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// controls routes /_simulator/…: dials and report for tests and demos, and the
// recipient's window. They are local tools: pages of other origins may not use
// them.
func (s *Simulator) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_simulator/dials", s.readDials)
	mux.HandleFunc("POST /_simulator/dials", s.turnDials)
	mux.HandleFunc("GET /_simulator/report", func(rw http.ResponseWriter, _ *http.Request) {
		world.JSON(rw, http.StatusOK, s.Report())
	})
	mux.HandleFunc("POST /_simulator/reset-report", func(rw http.ResponseWriter, _ *http.Request) {
		s.ResetReport()
		rw.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_simulator/hire", s.hire)
	mux.HandleFunc("GET /_simulator/rates", s.readRates)
	mux.HandleFunc("GET /_simulator/copies", s.readCopies)
	mux.HandleFunc("GET /_simulator/copies/people", s.listCopies)
	mux.HandleFunc("POST /_simulator/outage", s.outage)
	mux.HandleFunc("GET /_simulator/bot", s.readBot)
	mux.HandleFunc("POST /_simulator/bot", s.turnBot)
	mux.HandleFunc("GET /_simulator/people", s.listPeople)
	mux.HandleFunc("GET /_simulator/people/{id}", s.person(s.onePerson))
	mux.HandleFunc("GET /_simulator/people/{id}/events", s.person(s.personEvents))
	mux.HandleFunc("GET /_simulator/teams", s.listTeams)
	mux.HandleFunc("POST /_simulator/teams/{id}/{verb}", s.actInTeam)
	for verb, do := range map[string]personHandler{
		"say": s.say, "click": s.click, "install": s.install, "remove": s.remove, "vanish": s.vanish, "block": s.block,
		"unblock": s.unblock, "delete-chat": s.deleteChat, "react": s.react, "read": s.read, "directory": s.directory,
	} {
		mux.HandleFunc("POST /_simulator/people/{id}/"+verb, s.person(do))
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// problem answers a person's mistake in a sentence.
func problem(rw http.ResponseWriter, status int, sentence string) {
	world.JSON(rw, status, map[string]string{"error": sentence})
}

// readBody decodes a JSON body, which may be empty, or answers 400.
func readBody(rw http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 4<<20))
	if err != nil {
		problem(rw, http.StatusBadRequest, "The body could not be read: "+err.Error())
		return false
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return true
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		problem(rw, http.StatusBadRequest, "The body is not what is expected here: "+err.Error())
		return false
	}
	return true
}

func (s *Simulator) readDials(rw http.ResponseWriter, _ *http.Request) {
	world.JSON(rw, http.StatusOK, s.Dials())
}

// turnDials merges the named fields into the dials; what is not named stays.
func (s *Simulator) turnDials(rw http.ResponseWriter, r *http.Request) {
	var trial Dials // read once to find mistakes before anything is turned
	var raw json.RawMessage
	if !readBody(rw, r, &raw) {
		return
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&trial); err != nil {
		problem(rw, http.StatusBadRequest, "These are not dials: "+err.Error())
		return
	}
	if err := checkDials(trial); err != nil {
		problem(rw, http.StatusBadRequest, err.Error())
		return
	}
	s.SetDials(func(d *Dials) {
		if strings.Contains(string(raw), `"fail"`) {
			d.Fail = nil // a list is replaced, not merged item by item
		}
		if err := json.Unmarshal(raw, d); err != nil {
			s.world.Log.Error("dials could not be merged", "error", err)
		}
	})
	s.readDials(rw, r)
}

func checkDials(d Dials) error { return dials.Check(d, exists) }

func exists(entraID string) bool { _, ok := tenant.Number(entraID); return ok }

// hire adds people to the organisation; later rounds of a delta query tell.
func (s *Simulator) hire(rw http.ResponseWriter, r *http.Request) {
	in := struct {
		Count int `json:"count"`
	}{1}
	if !readBody(rw, r, &in) {
		return
	}
	if in.Count < 1 || in.Count+s.world.Tenant.People() > maxPeople {
		problem(rw, http.StatusBadRequest, "The count must be at least 1.")
		return
	}
	s.world.Tenant.Hire(in.Count)
	world.JSON(rw, http.StatusOK, map[string]int{"people": s.world.Tenant.People()})
}
