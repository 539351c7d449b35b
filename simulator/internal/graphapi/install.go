package graphapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

func (h *Handler) catalogApps(rw http.ResponseWriter, c *call) {
	if !h.within(rw, h.catalog, scaled(h.w.Dials.Now().GraphInstallRate, 30)) {
		return
	}
	filter, err := parseFilter(c.query.Get("$filter"))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+err.Error())
		return
	}
	value := []any{}
	if app := h.app(); filter(func(name string) any { return app[name] }) {
		if strings.Contains(c.query.Get("$expand"), "appDefinitions") {
			app["appDefinitions"] = []any{map[string]any{"id": "ZGVmaW5pdGlvbg==", "teamsAppId": h.w.Tenant.TeamsAppID, "displayName": "Fanfare", "version": h.w.Dials.Now().PublishedVersion, "publishingState": "published"}}
		}
		value = append(value, app)
	}
	world.JSON(rw, http.StatusOK, map[string]any{"@odata.context": c.base + "/v1.0/$metadata#appCatalogs/teamsApps", "value": value})
}

func (h *Handler) app() map[string]any {
	t := h.w.Tenant
	return map[string]any{
		"id": t.TeamsAppID, "externalId": t.ManifestID, "displayName": "Fanfare", "distributionMethod": "organization",
	}
}

// bound reads the install body: the catalogue ID at the end of the bind, on
// whatever host (protocol F.3), or answers what is wrong.
func (h *Handler) bound(rw http.ResponseWriter, c *call) bool {
	var body struct {
		Bind string `json:"teamsApp@odata.bind"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Unable to read JSON request payload.")
		return false
	}
	_, id, ok := strings.Cut(body.Bind, "/appCatalogs/teamsApps/")
	switch {
	case !ok || !strings.HasPrefix(body.Bind, "https://"):
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Bind requests must contain teamsApp@odata.bind with the address of an app in the catalog.")
	case !strings.EqualFold(strings.Trim(id, "/'()"), h.w.Tenant.TeamsAppID):
		h.fail(rw, http.StatusNotFound, "NotFound", "No Teams app with id '"+id+"' was found in the catalog.")
	case !strings.EqualFold(h.appID(c), h.w.Clients.BotID):
		h.fail(rw, http.StatusForbidden, "Forbidden", "AAD App Id "+h.appID(c)+" is not allowed to manage the Teams App "+h.w.Tenant.TeamsAppID+".")
	default:
		return true
	}
	return false
}

// install answers POST installedApps (protocol F.3).
func (h *Handler) install(rw http.ResponseWriter, c *call) {
	rate := h.w.Dials.Now().GraphInstallRate
	h.w.Meter.Install.Add(h.w.Now())
	if !h.within(rw, h.post, rate) {
		return
	}
	if rate > 0 && !h.within(rw, h.postLong, max(1, int(float64(rate)*0.83*sustained.Seconds()))) {
		return
	}
	if !h.bound(rw, c) {
		return
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+c.path[1]+"'.")
		return
	}
	if problem := h.w.Tenant.Install(p.Number); problem != tenant.Fine {
		h.refuse(rw, p, problem)
		return
	}
	h.bot.Installed(c.http.Context(), p)
	rw.Header().Set("Content-Length", "0") // really empty: the SDK stumbles over anything else
	rw.WriteHeader(http.StatusCreated)
}

func (h *Handler) refuse(rw http.ResponseWriter, p tenant.Person, problem tenant.Problem) {
	switch problem {
	case tenant.AlreadyInstalled:
		h.fail(rw, http.StatusConflict, "Conflict", "App is already installed for the user.")
	case tenant.IsGuest:
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Apps cannot be installed for guest users.")
	case tenant.IsRefused:
		h.fail(rw, http.StatusForbidden, "Forbidden", "AccessDenied: App is blocked by app permission policy for user "+p.EntraID+".")
	case tenant.IsUnlicensed:
		if p.Number%2 == 0 { // which of the two is not documented
			h.fail(rw, http.StatusForbidden, "Forbidden", "User "+p.EntraID+" is not licensed for Microsoft Teams.")
			return
		}
		h.fail(rw, http.StatusNotFound, "NotFound", "User "+p.EntraID+" does not have a Microsoft Teams mailbox or licence.")
	default:
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+p.EntraID+"'.")
	}
}

// reader admits a GET of the installedApps family and finds the person.
func (h *Handler) reader(rw http.ResponseWriter, c *call) (tenant.Person, bool) {
	if !h.within(rw, h.get, scaled(h.w.Dials.Now().GraphInstallRate, 30)) {
		return tenant.Person{}, false
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+c.path[1]+"'.")
	}
	return p, ok
}

func (h *Handler) installed(rw http.ResponseWriter, c *call) {
	p, ok := h.reader(rw, c)
	if !ok {
		return
	}
	filter, err := parseFilter(c.query.Get("$filter"))
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+err.Error())
		return
	}
	value := []any{}
	app := h.app()
	get := func(name string) any {
		if inner, ok := strings.CutPrefix(name, "teamsApp/"); ok {
			return app[inner]
		}
		return nil
	}
	if h.w.Tenant.Installed(p.Number) && filter(get) {
		value = append(value, h.installationOf(p, c))
	}
	world.JSON(rw, http.StatusOK, map[string]any{"@odata.context": c.base + "/v1.0/$metadata#users/teamwork/installedApps", "value": value})
}

func (h *Handler) installationOf(p tenant.Person, c *call) map[string]any {
	item := map[string]any{"id": h.w.Tenant.InstallationID(p.Number)}
	for expanded := range strings.SplitSeq(c.query.Get("$expand"), ",") {
		switch strings.TrimSpace(expanded) {
		case "teamsApp":
			item["teamsApp"] = h.app()
		case "teamsAppDefinition":
			item["teamsAppDefinition"] = map[string]any{
				"id": "ZGVmaW5pdGlvbg==", "teamsAppId": h.w.Tenant.TeamsAppID, "displayName": "Fanfare", "version": h.w.Tenant.Version(p.Number),
			}
		}
	}
	return item
}

// owned checks that the installation in the path is this person's and exists.
func (h *Handler) owned(rw http.ResponseWriter, c *call, p tenant.Person) bool {
	if c.path[4] == h.w.Tenant.InstallationID(p.Number) && h.w.Tenant.Installed(p.Number) {
		return true
	}
	h.fail(rw, http.StatusNotFound, "NotFound", "The app installation '"+c.path[4]+"' was not found for the user.")
	return false
}

func (h *Handler) installation(rw http.ResponseWriter, c *call) {
	if p, ok := h.reader(rw, c); ok && h.owned(rw, c, p) {
		world.JSON(rw, http.StatusOK, h.installationOf(p, c))
	}
}

func (h *Handler) uninstall(rw http.ResponseWriter, c *call) {
	if !h.within(rw, h.del, scaled(h.w.Dials.Now().GraphInstallRate, 15)) {
		return
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+c.path[1]+"'.")
		return
	}
	if h.owned(rw, c, p) && h.w.Tenant.Uninstall(p.Number) {
		h.bot.Removed(p)
		rw.WriteHeader(http.StatusNoContent)
	}
}

func (h *Handler) upgrade(rw http.ResponseWriter, c *call) {
	if !h.within(rw, h.upgrades, h.w.Dials.Now().GraphInstallRate) { // one of the other POSTs (protocol F.7)
		return
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+c.path[1]+"'.")
		return
	}
	if h.owned(rw, c, p) && h.w.Tenant.Upgrade(p.Number) {
		h.bot.Upgraded(p)
		rw.WriteHeader(http.StatusNoContent)
	}
}

// chatOf answers the chat between the person and the bot (protocol F.5).
func (h *Handler) chatOf(rw http.ResponseWriter, c *call) {
	if !h.within(rw, h.chat, scaled(h.w.Dials.Now().GraphInstallRate, 200)) {
		return
	}
	p, ok := h.w.Tenant.Find(c.path[1])
	if !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No user found with id '"+c.path[1]+"'.")
		return
	}
	if h.owned(rw, c, p) {
		world.JSON(rw, http.StatusOK, map[string]any{
			"@odata.context": c.base + "/v1.0/$metadata#chats/$entity", "id": h.w.Tenant.ChatID(p.Number),
			"chatType": "oneOnOne", "topic": nil, "tenantId": h.w.Tenant.TenantID, "createdDateTime": "2026-01-02T03:04:05Z",
		})
	}
}

func (h *Handler) installTeam(rw http.ResponseWriter, c *call) {
	if !h.within(rw, h.post, h.w.Dials.Now().GraphInstallRate) || !h.bound(rw, c) {
		return
	}
	if _, ok := h.w.Tenant.Team(c.path[1]); !ok {
		h.fail(rw, http.StatusNotFound, "NotFound", "No team found with Group Id "+c.path[1])
		return
	}
	if !h.w.Tenant.InstallInTeam(c.path[1], true) {
		h.fail(rw, http.StatusConflict, "Conflict", "App is already installed in the team.")
		return
	}
	team, _ := h.w.Tenant.Team(c.path[1])
	h.bot.AddedToTeam(team)
	rw.Header().Set("Content-Length", "0")
	rw.WriteHeader(http.StatusCreated)
}
