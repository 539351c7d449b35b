package graphapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// teamsPlan is the service plan of Teams in the public cloud (protocol G.2).
const teamsPlan = "57ff2da0-773e-42df-b2af-ffb7a2317929"

type plan struct {
	AssignedDateTime string `json:"assignedDateTime"`
	CapabilityStatus string `json:"capabilityStatus"`
	Service          string `json:"service"`
	ServicePlanID    string `json:"servicePlanId"`
}

var (
	exchange = plan{"2025-01-02T03:04:05Z", "Enabled", "exchange", "efb87545-963c-4e0d-99df-69c6916d9eb0"}
	licensed = []plan{exchange, {"2025-01-02T03:04:05Z", "Enabled", "TeamspaceAPI", teamsPlan}}
	lapsed   = []plan{exchange, {"2025-01-02T03:04:05Z", "Deleted", "TeamspaceAPI", teamsPlan}}
	mailOnly = []plan{exchange}
)

func plans(p tenant.Person) []plan {
	switch {
	case p.Kind == dials.Guest:
		return []plan{}
	case p.Kind == dials.Unlicensed && p.Number%2 == 0:
		return lapsed
	case p.Kind == dials.Unlicensed:
		return mailOnly
	}
	return licensed
}

// userFields are the properties of a user; others of userNull exist but are
// empty, and anything else is an error of the caller.
var userFields = map[string]func(tenant.Person) any{
	"id":                func(p tenant.Person) any { return p.EntraID },
	"displayName":       func(p tenant.Person) any { return p.Name },
	"givenName":         func(p tenant.Person) any { return p.GivenName },
	"surname":           func(p tenant.Person) any { return p.Surname },
	"userPrincipalName": func(p tenant.Person) any { return p.UPN },
	"mail":              func(p tenant.Person) any { return mail(p) },
	"mailNickname":      func(p tenant.Person) any { name, _, _ := strings.Cut(p.UPN, "@"); return name },
	"accountEnabled":    func(p tenant.Person) any { return p.Enabled },
	"assignedPlans":     func(p tenant.Person) any { return plans(p) },
	"department":        func(p tenant.Person) any { return p.Department },
	"jobTitle":          func(p tenant.Person) any { return p.Title },
	"officeLocation":    func(p tenant.Person) any { return p.Office },
	"city":              func(p tenant.Person) any { return p.City },
	"country":           func(p tenant.Person) any { return p.Country },
	"usageLocation":     func(p tenant.Person) any { return p.UsageLocation },
	"preferredLanguage": func(p tenant.Person) any { return p.PreferredLanguage },
	"companyName":       func(tenant.Person) any { return "Contoso" },
	"employeeId":        func(p tenant.Person) any { return strconv.Itoa(100000 + p.Number) },
	"businessPhones":    func(tenant.Person) any { return []string{} },
	"createdDateTime":   func(tenant.Person) any { return "2024-05-06T07:08:09Z" },
	"userType": func(p tenant.Person) any {
		switch {
		case p.UserType != "":
			return p.UserType
		case p.Kind == dials.Guest:
			return "Guest"
		case p.Number%211 == 0: // some old users have none (protocol G.2)
			return nil
		}
		return "Member"
	},
}

var userNull = []string{
	"mobilePhone", "state", "streetAddress", "postalCode", "employeeType", "employeeHireDate",
	"onPremisesSyncEnabled", "onPremisesImmutableId", "externalUserState", "ageGroup", "deletedDateTime",
}

// usualUser is what Graph returns without $select.
var usualUser = []string{
	"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
	"officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id",
}

func mail(p tenant.Person) string {
	if p.Kind == dials.Guest {
		name, _, _ := strings.Cut(p.UPN, "_")
		return name + "@partner.example"
	}
	return p.UPN
}

func userField(p tenant.Person, name string) (any, bool) {
	if get, ok := userFields[name]; ok {
		return get(p), true
	}
	return nil, slices.Contains(userNull, name)
}

// chosen parses $select; names are case-sensitive as in Graph's answers.
func chosen(c *call, usual []string, exists func(string) bool) ([]string, error) {
	text := c.query.Get("$select")
	if text == "" {
		return usual, nil
	}
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if !exists(name) {
			return nil, fmt.Errorf("could not find a property named '%s'", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !slices.Contains(names, "id") { // Graph adds the id to what it pages
		names = append(names, "id")
	}
	return names, nil
}

func userFieldExists(name string) bool { _, ok := userField(tenant.Person{}, name); return ok }

// user renders a person with those properties.
func user(p tenant.Person, names []string) json.RawMessage {
	object := make(map[string]any, len(names))
	for _, name := range names {
		object[name], _ = userField(p, name)
	}
	return raw(object)
}

// raw renders a value made of plain maps, lists and strings, which cannot fail.
func raw(value any) json.RawMessage {
	b, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

func (h *Handler) oneUser(rw http.ResponseWriter, c *call) {
	names, err := chosen(c, usualUser, userFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.noResource(rw, c.path[1])
		return
	}
	expand, ok := h.expanded(rw, c)
	if !ok {
		return
	}
	world.JSON(rw, http.StatusOK, h.userWith(p, names, expand))
}

func (h *Handler) noResource(rw http.ResponseWriter, id string) {
	h.fail(rw, http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}

func (h *Handler) countUsers(rw http.ResponseWriter, c *call) {
	if !h.eventual(rw, c, "$count") {
		return
	}
	c.query.Set("$count", "true")
	match, ok := h.userFilter(rw, c)
	if !ok {
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	_, _ = fmt.Fprint(rw, h.count(match))
}

func (h *Handler) listUsers(rw http.ResponseWriter, c *call) {
	match, ok := h.userFilter(rw, c)
	if !ok {
		return
	}
	h.page(rw, c, "users", usualUser, match, nil)
}

// userFilter turns $filter and $search into a predicate, or answers 400.
func (h *Handler) userFilter(rw http.ResponseWriter, c *call) (func(int) bool, bool) {
	advanced := strings.Contains(c.query.Get("$filter"), "/any(") || c.query.Get("$search") != "" || c.query.Get("$count") == "true"
	if advanced && !h.eventual(rw, c, "$search, $count or an advanced $filter") {
		return nil, false
	}
	filter, err := parseFilter(c.query.Get("$filter"))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+err.Error())
		return nil, false
	}
	search, err := parseSearch(c.query.Get("$search"))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return nil, false
	}
	return func(n int) bool {
		p, ok := h.w.Tenant.Person(n)
		if !ok {
			return false
		}
		get := func(name string) any { v, _ := userField(p, name); return v }
		return filter(get) && search(get)
	}, true
}

func (h *Handler) count(match func(int) bool) int {
	count := 0
	for n := 1; n <= h.w.Tenant.People(); n++ {
		if match(n) {
			count++
		}
	}
	return count
}
