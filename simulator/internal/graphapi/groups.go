package graphapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

var groupFields = map[string]func(*tenant.Group) any{
	"id":              func(g *tenant.Group) any { return g.ID },
	"displayName":     func(g *tenant.Group) any { return g.Name },
	"description":     func(g *tenant.Group) any { return g.Description },
	"mail":            func(g *tenant.Group) any { return g.Mail },
	"mailEnabled":     func(*tenant.Group) any { return true },
	"mailNickname":    func(g *tenant.Group) any { name, _, _ := strings.Cut(g.Mail, "@"); return name },
	"securityEnabled": func(g *tenant.Group) any { return !g.Team },
	"createdDateTime": func(*tenant.Group) any { return "2024-05-06T07:08:09Z" },
	"groupTypes": func(g *tenant.Group) any {
		types := []string{"Unified"}
		if g.Dynamic {
			types = append(types, "DynamicMembership")
		}
		return types
	},
	"resourceProvisioningOptions": func(g *tenant.Group) any {
		if g.Team {
			return []string{"Team"}
		}
		return []string{}
	},
	"visibility": func(g *tenant.Group) any {
		if g.Hidden {
			return "HiddenMembership"
		}
		return "Private"
	},
	"membershipRule": func(g *tenant.Group) any {
		if g.Dynamic {
			return `user.objectId -ne null`
		}
		return nil
	},
}

var usualGroup = []string{
	"id", "displayName", "description", "mail", "mailEnabled", "mailNickname", "securityEnabled",
	"createdDateTime", "groupTypes", "resourceProvisioningOptions", "visibility",
}

func groupFieldExists(name string) bool { return groupFields[name] != nil }

func group(g *tenant.Group, names []string, more ...string) json.RawMessage {
	object := map[string]any{}
	for _, name := range names {
		if get := groupFields[name]; get != nil {
			object[name] = get(g)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		object[more[i]] = more[i+1]
	}
	return raw(object)
}

func (h *Handler) listGroups(rw http.ResponseWriter, c *call) {
	if c.query.Get("$search") != "" && !h.eventual(rw, c, "$search") {
		return
	}
	if c.query.Get("$count") == "true" && !h.eventual(rw, c, "$count") {
		return
	}
	names, err := chosen(c, usualGroup, groupFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	filter, err := parseFilter(c.query.Get("$filter"))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+err.Error())
		return
	}
	search, err := parseSearch(c.query.Get("$search"))
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
		h.fail(rw, http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired.")
		return
	}
	h.writeGroups(rw, c, matching(filter, search), names, from, top)
}

func matching(filter, search predicate) []*tenant.Group {
	var found []*tenant.Group
	for i := range tenant.Groups {
		g := &tenant.Groups[i]
		get := func(name string) any {
			if field := groupFields[name]; field != nil {
				return field(g)
			}
			return nil
		}
		if filter(get) && search(get) {
			found = append(found, g)
		}
	}
	return found
}

func (h *Handler) writeGroups(rw http.ResponseWriter, c *call, found []*tenant.Group, names []string, from, top int) {
	if strings.HasPrefix(c.query.Get("$orderby"), "displayName") {
		slices.SortStableFunc(found, func(a, b *tenant.Group) int { return strings.Compare(a.Name, b.Name) })
	}
	answer := map[string]any{"@odata.context": c.base + "/v1.0/$metadata#groups"}
	if c.query.Get("$count") == "true" {
		answer["@odata.count"] = len(found)
	}
	begin := min(from-1, len(found))
	end := min(begin+top, len(found))
	value := []json.RawMessage{}
	for _, g := range found[begin:end] {
		value = append(value, group(g, names))
	}
	answer["value"] = value
	if end < len(found) {
		answer["@odata.nextLink"] = c.link("$skiptoken", skipToken(end+1))
	}
	world.JSON(rw, http.StatusOK, answer)
}

func (h *Handler) oneGroup(rw http.ResponseWriter, c *call) {
	names, err := chosen(c, usualGroup, groupFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	i, ok := tenant.GroupByID(c.path[1])
	if !ok {
		h.noResource(rw, c.path[1])
		return
	}
	world.JSON(rw, http.StatusOK, group(&tenant.Groups[i], names))
}

// members answers direct and transitive members, cast to users or mixed, and
// their count (protocol G.3).
func (h *Handler) members(rw http.ResponseWriter, c *call) {
	i, ok := tenant.GroupByID(c.path[1])
	if !ok {
		h.noResource(rw, c.path[1])
		return
	}
	transitive := strings.EqualFold(c.path[2], "transitiveMembers")
	rest := c.path[3:]
	cast := len(rest) > 0 && strings.EqualFold(rest[0], "microsoft.graph.user")
	count := len(rest) > 0 && strings.EqualFold(rest[len(rest)-1], "$count")
	if len(rest) > 0 && !cast && !(count && len(rest) == 1) || len(rest) == 2 && !count {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Resource not found for the segment '"+rest[0]+"'.")
		return
	}
	if (cast || count || c.query.Get("$count") == "true" || c.query.Get("$search") != "") && !h.eventual(rw, c, "a cast, $count or $search") {
		return
	}
	if tenant.Groups[i].Hidden {
		h.fail(rw, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation: the membership of this group is hidden.")
		return
	}
	match, ok := h.userFilter(rw, c)
	if !ok {
		return
	}
	inGroup := func(n int) bool { return tenant.Member(i, n, transitive) && match(n) }
	var lead []json.RawMessage
	if !cast {
		lead = inner(i)
	}
	if count {
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprint(rw, h.count(inGroup)+len(lead))
		return
	}
	h.page(rw, c, "directoryObjects", usualUser, inGroup, lead)
}

// inner renders the groups inside a group: an uncast list mixes kinds.
func inner(i int) []json.RawMessage {
	var list []json.RawMessage
	for _, k := range tenant.Groups[i].Contains {
		list = append(list, group(&tenant.Groups[k], []string{"id", "displayName"}, "@odata.type", "#microsoft.graph.group"))
	}
	return list
}

func (h *Handler) channels(rw http.ResponseWriter, c *call) {
	team, ok := h.w.Tenant.Team(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No team found with Group Id "+c.path[1])
		return
	}
	value := []map[string]any{}
	for _, channel := range team.Channels {
		name := channel.Name
		if name == "" {
			name = "General"
		}
		value = append(value, map[string]any{"id": channel.ID, "displayName": name, "membershipType": "standard"})
	}
	world.JSON(rw, http.StatusOK, map[string]any{"value": value})
}
