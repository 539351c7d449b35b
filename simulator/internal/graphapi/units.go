package graphapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/world"
)

// unitCosts are what the directory's operations cost in resource units before
// their parameters are looked at (protocol G.4). Teams' endpoints are not among
// them: they count requests.
var unitCosts = map[string]int{
	"graph.delta": 2, "graph.users": 2, "graph.user": 1,
	"graph.groups": 2, "graph.group": 1, "graph.members": 3, "graph.organization": 1,
}

// cost of a request: $select and a small $top make it cheaper, $expand dearer,
// members of members cost two more (protocol G.4).
func cost(c *call, op string) int {
	units := unitCosts[op]
	if len(c.path) > 2 && strings.EqualFold(c.path[2], "transitiveMembers") {
		units += 2
	}
	if c.query.Get("$select") != "" || c.query.Get("$skiptoken") != "" || c.query.Get("$deltatoken") != "" { // tokens carry it
		units--
	}
	if c.query.Get("$expand") != "" {
		units++
	}
	if top, err := strconv.Atoi(c.query.Get("$top")); err == nil && top < 20 {
		units--
	}
	return max(units, 1)
}

// charge takes a request's resource units and says so in the headers, or answers
// 429 (K row 18).
func (h *Handler) charge(rw http.ResponseWriter, c *call, op string) bool {
	if unitCosts[op] == 0 {
		return true
	}
	head, units := rw.Header(), cost(c, op)
	head.Set("x-ms-resource-unit", strconv.Itoa(units))
	snap := h.w.Dials.Now()
	if snap.GraphResourceUnits <= 0 {
		return true
	}
	used, wait, ok := h.units.Take(h.w.Now(), units, snap.GraphResourceUnits, snap.GraphCountsRefused)
	if share := float64(used) / float64(snap.GraphResourceUnits); share >= 0.8 {
		head.Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(min(share, 1.8), 'f', 1, 64))
	}
	if !ok {
		h.w.ThrottledUnits(head)
		h.w.TooMany(rw, world.GraphDialect, wait)
	}
	return ok
}
