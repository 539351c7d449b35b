package graphapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// deltaState is what a skip or delta token stands for. The select list travels
// in it, because clients follow links verbatim (protocol G.1).
type deltaState struct {
	Select []string `json:"s"`
	Next   int      `json:"n"` // index into the first round
	Total  int      `json:"t"` // people when the round began
	Page   int      `json:"p"`
	Log    int      `json:"l"` // where the next round reads on in the log
	Empty  bool     `json:"e"` // the empty page was already sent
	// When the token was given out: by the clock, and by the dial.
	Issued     int64 `json:"i"`
	Generation int   `json:"g"`
}

func (s deltaState) token() string { return base64.RawURLEncoding.EncodeToString(raw(s)) }

func readDelta(token string) (s deltaState, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	return s, err == nil && json.Unmarshal(b, &s) == nil && s.Select != nil
}

// deltaLife is how long the tokens of directory objects live (protocol G.1).
const deltaLife = 7 * 24 * time.Hour

// expired tells whether a token is worth nothing any more (K row 17).
func (h *Handler) expired(s deltaState) bool {
	snap := h.w.Dials.Now()
	return snap.DeltaExpired || s.Generation < snap.DeltaGeneration || h.w.Now().Unix()-s.Issued > int64(deltaLife/time.Second)
}

// deltaPage is how many people one page of the first round holds.
const deltaPage = 150

// delta answers GET /users/delta: a first round over everybody, in no order,
// with duplicates and an empty page, and later rounds with changes only.
func (h *Handler) delta(rw http.ResponseWriter, c *call) {
	for _, bad := range []string{"$top", "$orderby", "$expand", "$filter", "$search"} {
		if c.query.Has(bad) {
			h.fail(rw, http.StatusBadRequest, "Request_UnsupportedQuery", bad+" is not supported for delta query.")
			return
		}
	}
	switch skip, token := c.query.Get("$skiptoken"), c.query.Get("$deltatoken"); {
	case skip != "":
		h.nextPage(rw, c, skip)
	case token == "", token == "latest":
		h.firstRound(rw, c, token == "latest")
	default:
		h.laterRound(rw, c, token)
	}
}

func (h *Handler) firstRound(rw http.ResponseWriter, c *call, latest bool) {
	names, err := chosen(c, usualUser, userFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	_, end := h.w.Tenant.Log(1 << 30)
	state := deltaState{Select: names, Total: h.w.Tenant.People(), Log: end}
	if latest {
		state.Next = state.Total
	}
	h.deltaAnswer(rw, c, state)
}

func (h *Handler) nextPage(rw http.ResponseWriter, c *call, token string) {
	state, ok := readDelta(token)
	if !ok || h.expired(state) {
		h.gone(rw, c, state)
		return
	}
	h.deltaAnswer(rw, c, state)
}

// gone tells the caller to begin again (protocol G.1).
func (h *Handler) gone(rw http.ResponseWriter, c *call, state deltaState) {
	if len(state.Select) > 0 {
		c.query.Set("$select", strings.Join(state.Select, ","))
	}
	if status := h.w.Dials.Now().DeltaExpiredStatus; status != 0 && status != http.StatusGone {
		h.fail(rw, status, "SyncStateInvalid", "The sync state is invalid; continue with a full synchronization.")
		return
	}
	rw.Header().Set("Location", c.link("$deltatoken", ""))
	h.fail(rw, http.StatusGone, "syncStateNotFound", "The sync state generation is not found; continue with a full synchronization.")
}

func (h *Handler) deltaAnswer(rw http.ResponseWriter, c *call, state deltaState) {
	value := []json.RawMessage{}
	if state.Page == 1 && !state.Empty { // an empty page is not the end
		state.Empty = true
		h.deltaWrite(rw, c, value, state, false)
		return
	}
	if state.Next > 0 && state.Next < state.Total { // the last item once more
		value = h.appendPerson(value, state, state.Next-1)
	}
	end := min(state.Next+deltaPage, state.Total)
	for i := state.Next; i < end; i++ {
		value = h.appendPerson(value, state, i)
	}
	if state.Page > 2 && state.Page%5 == 0 { // and somebody of long ago
		value = h.appendPerson(value, state, state.Page)
	}
	state.Next, state.Page = end, state.Page+1
	h.deltaWrite(rw, c, value, state, end >= state.Total)
}

// appendPerson renders the person at a place of the shuffled first round;
// people deleted meanwhile appear as removed.
func (h *Handler) appendPerson(value []json.RawMessage, state deltaState, place int) []json.RawMessage {
	n := shuffled(place, state.Total)
	p, ok := h.w.Tenant.Person(n)
	if !ok {
		return append(value, removed(n, "changed"))
	}
	return append(value, user(p, state.Select))
}

// shuffled is a permutation of 1…total that needs no memory.
func shuffled(place, total int) int {
	stride := 7919
	for total%stride == 0 { // a prime is coprime to everything but its multiples
		stride = 104729
	}
	return (place*stride)%total + 1
}

func removed(n int, reason string) json.RawMessage {
	return raw(map[string]any{"id": tenant.EntraID(n), "@removed": map[string]string{"reason": reason}})
}

func (h *Handler) deltaWrite(rw http.ResponseWriter, c *call, value []json.RawMessage, state deltaState, last bool) {
	answer := map[string]any{"@odata.context": c.base + "/v1.0/$metadata#users", "value": value}
	query, key := "$skiptoken", "@odata.nextLink"
	if last {
		query, key = "$deltatoken", "@odata.deltaLink"
	}
	state.Issued, state.Generation = h.w.Now().Unix(), h.w.Dials.Now().DeltaGeneration
	short := *c
	short.path, short.query = []string{"users", "delta"}, nil
	answer[key] = short.link(query, state.token())
	world.JSON(rw, http.StatusOK, answer)
}

// laterRound returns what changed since the token: only changed properties.
func (h *Handler) laterRound(rw http.ResponseWriter, c *call, token string) {
	state, ok := readDelta(token)
	if !ok || h.expired(state) {
		h.gone(rw, c, state)
		return
	}
	changes, end := h.w.Tenant.Log(state.Log)
	value := []json.RawMessage{}
	for i, change := range changes {
		value = h.appendChange(value, state, change)
		if dials.Chance(h.w.Seed, uint64(i), 200) {
			value = h.appendChange(value, state, change)
		}
	}
	state.Log = end
	h.deltaWrite(rw, c, value, state, true)
}

func (h *Handler) appendChange(value []json.RawMessage, state deltaState, change tenant.Change) []json.RawMessage {
	if change.Removed != "" {
		return append(value, removed(change.Number, change.Removed))
	}
	p, ok := h.w.Tenant.Person(change.Number)
	if !ok {
		return value
	}
	if change.Added {
		return append(value, user(p, state.Select))
	}
	names := []string{"id"}
	for _, name := range change.Fields {
		if slices.Contains(state.Select, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return value
	}
	return append(value, user(p, names))
}

func (h *Handler) organization(rw http.ResponseWriter, c *call) {
	world.JSON(rw, http.StatusOK, map[string]any{
		"@odata.context": c.base + "/v1.0/$metadata#organization",
		"value": []any{map[string]any{
			"id": h.w.Tenant.TenantID, "displayName": "Contoso", "countryLetterCode": "DE", "tenantType": "AAD",
			"verifiedDomains": []any{map[string]any{"name": tenant.Domain, "isDefault": true, "isInitial": true}},
			"directorySizeQuota": map[string]string{
				"used": strconv.Itoa(h.w.Tenant.People()), "total": strings.Repeat("9", 9),
			},
		}},
	})
}
