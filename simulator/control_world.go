package simulator

import (
	"net/http"
	"net/url"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

func (s *Simulator) readRates(rw http.ResponseWriter, r *http.Request) {
	world.JSON(rw, http.StatusOK, s.Rates(atoi(r.URL.Query().Get("seconds"), meter.Kept)))
}

// readCopies answers for everybody, or with ?person= for one.
func (s *Simulator) readCopies(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch key, person := q.Get("broadcast"), q.Get("person"); {
	case key == "":
		problem(rw, http.StatusBadRequest, "Name the broadcast: ?broadcast=…")
	case person != "" && !exists(person):
		problem(rw, http.StatusNotFound, "There is no such person at Contoso.")
	case person != "":
		world.JSON(rw, http.StatusOK, s.CopiesOf(key, person))
	default:
		world.JSON(rw, http.StatusOK, s.Copies(key, min(max(atoi(q.Get("limit"), 100), 0), maxCopies)))
	}
}

// maxCopies bounds lists of people with copies.
const maxCopies = 10_000

// listCopies pages through everybody who got a broadcast.
func (s *Simulator) listCopies(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, list, more := min(max(atoi(q.Get("limit"), 1000), 1), maxCopies), []PersonCopies{}, false
	last := atoi(q.Get("after"), 0)
	s.world.Tenant.EachCopies(q.Get("broadcast"), last, func(n int, c tenant.Copies) bool {
		if more = len(list) == limit; more {
			return false
		}
		list, last = append(list, PersonCopies{tenant.EntraID(n), c}), n
		return true
	})
	answer := map[string]any{"people": list, "next": nil}
	if more {
		answer["next"] = last
	}
	world.JSON(rw, http.StatusOK, answer)
}

// outage begins one, or with {"end":true} ends them all.
func (s *Simulator) outage(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Fault
		End bool `json:"end"`
	}
	if !readBody(rw, r, &in) {
		return
	}
	if in.End {
		s.EndOutages()
		noContent(rw)
		return
	}
	f, err := s.Outage(in.Fault, time.Duration(in.ForMS)*time.Millisecond)
	if err != nil {
		problem(rw, http.StatusBadRequest, "This is no outage: "+err.Error())
		return
	}
	world.JSON(rw, http.StatusOK, f)
}

type botBody struct {
	Endpoints []string `json:"endpoints"`
}

func (s *Simulator) readBot(rw http.ResponseWriter, _ *http.Request) {
	world.JSON(rw, http.StatusOK, botBody{append([]string{}, s.bot.Endpoints()...)})
}

// turnBot says where events go from now on.
func (s *Simulator) turnBot(rw http.ResponseWriter, r *http.Request) {
	var in botBody
	if !readBody(rw, r, &in) {
		return
	}
	for _, text := range in.Endpoints {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			problem(rw, http.StatusBadRequest, "An endpoint is an http or https address, not '"+text+"'.")
			return
		}
	}
	s.SetBotEndpoint(in.Endpoints...)
	s.readBot(rw, r)
}
