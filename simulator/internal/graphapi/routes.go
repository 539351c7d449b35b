package graphapi

import (
	"net/http"
	"strings"
)

type route struct {
	method, pattern, op string
	do                  handle
}

// table holds all routes on one screen. The first match wins.
func (h *Handler) table() []route {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []route{
		{get, "users/delta", "graph.delta", h.delta},
		{get, "users/delta()", "graph.delta", h.delta},
		{get, "users/microsoft.graph.delta", "graph.delta", h.delta},
		{get, "users/microsoft.graph.delta()", "graph.delta", h.delta},
		{get, "users", "graph.users", h.listUsers},
		{get, "users/$count", "graph.users", h.countUsers},
		{get, "users/*", "graph.user", h.oneUser},
		{get, "users/*/manager", "graph.user", h.managerOf},

		{get, "groups", "graph.groups", h.listGroups},
		{get, "groups/*", "graph.group", h.oneGroup},
		{get, "groups/*/members", "graph.members", h.members},
		{get, "groups/*/members/*", "graph.members", h.members},
		{get, "groups/*/members/*/$count", "graph.members", h.members},
		{get, "groups/*/transitiveMembers", "graph.members", h.members},
		{get, "groups/*/transitiveMembers/*", "graph.members", h.members},
		{get, "groups/*/transitiveMembers/*/$count", "graph.members", h.members},

		{get, "organization", "graph.organization", h.organization},
		{get, "appCatalogs/teamsApps", "graph.catalog", h.catalogApps},
		{post, "users/*/teamwork/installedApps", "graph.install", h.install},
		{get, "users/*/teamwork/installedApps", "graph.installed", h.installed},
		{get, "users/*/teamwork/installedApps/*", "graph.installed", h.installation},
		{del, "users/*/teamwork/installedApps/*", "graph.uninstall", h.uninstall},
		{get, "users/*/teamwork/installedApps/*/chat", "graph.chat", h.chatOf},
		{post, "users/*/teamwork/installedApps/*/upgrade", "graph.upgrade", h.upgrade},
		{get, "teams/*/channels", "graph.channels", h.channels},
		{post, "teams/*/installedApps", "graph.installteam", h.installTeam},
	}
}

func (h *Handler) route(rw http.ResponseWriter, c *call) {
	known := false
	for _, r := range h.routes {
		if !c.at(r.pattern) {
			continue
		}
		known = true
		if r.method == c.method {
			h.serve(rw, c, r.op, h.concerned(c), r.do)
			return
		}
	}
	h.serve(rw, c, "graph.unknown", 0, func(rw http.ResponseWriter, _ *call) {
		if known {
			h.fail(rw, http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
			return
		}
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Resource not found for the segment '"+strings.Join(c.path, "/")+"'.")
	})
}

// concerned is the number of the person in the path, for faults aimed at them.
func (h *Handler) concerned(c *call) int {
	if len(c.path) < 2 || !strings.EqualFold(c.path[0], "users") {
		return 0
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		return 0
	}
	return p.Number
}
