package graphapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// expandManager is the one relation of a user that can be expanded here, with or
// without the properties wanted of it.
var expandManager = regexp.MustCompile(`^manager(?:\(\$select=([A-Za-z, ]+)\))?$`)

// expanded reads $expand: the properties of the manager that are wanted, nil for no
// manager at all.
func (h *Handler) expanded(rw http.ResponseWriter, c *call) ([]string, bool) {
	text := c.query.Get("$expand")
	if text == "" {
		return nil, true
	}
	parts := expandManager.FindStringSubmatch(text)
	if parts == nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Could not expand '"+text+"'.")
		return nil, false
	}
	if parts[1] == "" {
		return usualUser, true
	}
	var names []string
	for name := range strings.SplitSeq(parts[1], ",") {
		name = strings.TrimSpace(name)
		if !userFieldExists(name) {
			h.fail(rw, http.StatusBadRequest, "BadRequest", "Could not find a property named '"+name+"'.")
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// userWith renders a person with their manager. Who has none has no such property
// at all.
func (h *Handler) userWith(p tenant.Person, names, expand []string) json.RawMessage {
	boss, ok := h.boss(p)
	if expand == nil || !ok {
		return user(p, names)
	}
	object := map[string]any{"manager": directoryObject(boss, expand)}
	for _, name := range names {
		object[name], _ = userField(p, name)
	}
	return raw(object)
}

// directoryObject is a person where something else might stand.
func directoryObject(p tenant.Person, names []string) map[string]any {
	object := map[string]any{"@odata.type": "#microsoft.graph.user"}
	for _, name := range names {
		object[name], _ = userField(p, name)
	}
	return object
}

// boss is whom somebody reports to. Who was deleted is nobody's manager any more.
func (h *Handler) boss(p tenant.Person) (tenant.Person, bool) {
	if p.Manager == 0 || p.Manager > h.w.Tenant.People() {
		return tenant.Person{}, false
	}
	return h.w.Tenant.Person(p.Manager)
}

// managerOf is GET /users/{id}/manager.
func (h *Handler) managerOf(rw http.ResponseWriter, c *call) {
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.noResource(rw, c.path[1])
		return
	}
	boss, ok := h.boss(p)
	if !ok {
		h.noResource(rw, "manager")
		return
	}
	names, err := chosen(c, usualUser, userFieldExists)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	world.JSON(rw, http.StatusOK, directoryObject(boss, names))
}
