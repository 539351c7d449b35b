package graphapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/fanfare/fanfare/simulator/internal/world"
)

// pageSize reads $top: 100 if absent, at most 999 (protocol G.3).
func (h *Handler) pageSize(rw http.ResponseWriter, c *call) (int, bool) {
	text := c.query.Get("$top")
	if text == "" {
		return 100, true
	}
	top, err := strconv.Atoi(text)
	if err != nil || top < 1 || top > 999 {
		h.fail(rw, http.StatusBadRequest, "Request_UnsupportedQuery", "Invalid page size specified: '"+text+"'. Must be between 1 and 999 inclusive.")
		return 0, false
	}
	return top, true
}

// skip is where the next page begins; opaque to clients.
func skipToken(next int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("next:" + strconv.Itoa(next)))
}

func readSkip(token string) (int, bool) {
	if token == "" {
		return 1, true
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 6 || string(b[:5]) != "next:" {
		return 0, false
	}
	n, err := strconv.Atoi(string(b[5:]))
	return n, err == nil && n > 0
}

// page answers one page of the people who match, in order of their numbers,
// after the lead (groups in an uncast member list).
func (h *Handler) page(rw http.ResponseWriter, c *call, context string, usual []string, match func(int) bool, lead []json.RawMessage) {
	names, err := chosen(c, usual, userFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	top, ok := h.pageSize(rw, c)
	if !ok {
		return
	}
	from, ok := readSkip(c.query.Get("$skiptoken"))
	if !ok {
		h.fail(rw, http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
		return
	}
	expand, ok := h.expanded(rw, c)
	if !ok {
		return
	}
	answer := map[string]any{"@odata.context": c.base + "/v1.0/$metadata#" + context}
	value := []json.RawMessage{}
	if from == 1 {
		value = append(value, lead...)
		if c.query.Get("$count") == "true" {
			answer["@odata.count"] = h.count(match) + len(lead)
		}
	}
	n, people := from, h.w.Tenant.People()
	for ; n <= people && len(value) < top; n++ {
		if !match(n) {
			continue
		}
		if p, ok := h.w.Tenant.Person(n); ok {
			value = append(value, h.userWith(p, names, expand))
		}
	}
	for ; n <= people && !match(n); n++ { // no nextLink to an empty last page
	}
	if n <= people {
		answer["@odata.nextLink"] = c.link("$skiptoken", skipToken(n))
	}
	answer["value"] = value
	world.JSON(rw, http.StatusOK, answer)
}

// link is the absolute address of this request with one parameter replaced.
func (c *call) link(key, value string) string {
	q := url.Values{}
	for k, v := range c.query {
		if k != "$skiptoken" && k != "$deltatoken" {
			q[k] = v
		}
	}
	q.Set(key, value)
	path := ""
	for _, part := range c.path {
		path += "/" + url.PathEscape(part)
	}
	return c.base + "/v1.0" + path + "?" + q.Encode()
}
