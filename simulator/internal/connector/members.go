package connector

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// account is a person as a member of a conversation (protocol C).
func (h *Handler) account(p tenant.Person) map[string]any {
	role := "user"
	if p.Kind == dials.Guest {
		role = "guest"
	}
	return map[string]any{
		"id": h.w.Tenant.ChannelAccountID(p.Number), "objectId": p.EntraID, "aadObjectId": p.EntraID, "name": p.Name,
		"givenName": p.GivenName, "surname": p.Surname, "email": p.UPN, "userPrincipalName": p.UPN,
		"tenantId": h.w.Tenant.TenantID, "userRole": role,
	}
}

// belongs tells who is in a conversation, or answers why it cannot be read.
func (h *Handler) belongs(rw http.ResponseWriter, c *call) (match func(n int) bool, ok bool) {
	channel, ok := h.address(rw, c)
	if !ok {
		return nil, false
	}
	if channel != "" {
		if !h.inTeam(rw, channel) {
			return nil, false
		}
		team, _ := h.w.Tenant.Team(channel)
		if !h.lookTeam(rw, c, channel) {
			return nil, false
		}
		return team.Has, true
	}
	if wait, problem := h.w.Tenant.Look(c.number, c.generation); problem != tenant.Fine {
		h.refuse(rw, c, problem, wait)
		return nil, false
	}
	return func(n int) bool { return n == c.number }, true
}

// lookTeam admits a reading request about a team, or answers 429 (protocol E.1).
func (h *Handler) lookTeam(rw http.ResponseWriter, c *call, thread string) bool {
	wait, problem := h.w.Tenant.LookTeam(thread)
	if problem != tenant.Fine {
		h.refuse(rw, c, problem, wait)
	}
	return problem == tenant.Fine
}

func (h *Handler) member(rw http.ResponseWriter, c *call) {
	match, ok := h.belongs(rw, c)
	if !ok {
		return
	}
	n, found := h.w.Tenant.Account(c.path[3])
	if !found {
		p, byName := h.w.Tenant.Find(c.path[3])
		n, found = p.Number, byName
	}
	if p, exists := h.w.Tenant.Person(n); found && exists && match(n) {
		world.JSON(rw, http.StatusOK, h.account(p))
		return
	}
	h.fail(rw, http.StatusNotFound, "MemberNotFoundInConversation", "Member not found in conversation.")
}

// members answers the paged list and the old unpaged one.
func (h *Handler) members(rw http.ResponseWriter, c *call) {
	match, ok := h.belongs(rw, c)
	if !ok {
		return
	}
	paged := c.path[2] == "pagedmembers"
	size, from := 10_000, 1
	if paged {
		q := c.http.URL.Query()
		size = 500
		if asked, err := strconv.Atoi(q.Get("pageSize")); err == nil {
			size = min(max(asked, 50), 500)
		}
		if token := q.Get("continuationToken"); token != "" {
			b, errDecode := base64.URLEncoding.DecodeString(token)
			n, err := strconv.Atoi(string(b))
			if errDecode != nil || err != nil {
				h.fail(rw, http.StatusBadRequest, "BadArgument", "The continuation token is not valid.")
				return
			}
			from = n
		}
	}
	list, next := h.collect(match, c.number, from, size)
	if !paged {
		world.JSON(rw, http.StatusOK, list)
		return
	}
	answer := map[string]any{"members": list}
	if next > 0 {
		answer["continuationToken"] = base64.URLEncoding.EncodeToString([]byte(strconv.Itoa(next)))
	}
	world.JSON(rw, http.StatusOK, answer)
}

func (h *Handler) collect(match func(int) bool, only, from, size int) (list []map[string]any, next int) {
	list = []map[string]any{}
	people := h.w.Tenant.People()
	if only > 0 { // a personal chat: no need to look at everybody
		from, people = only, only
	}
	for n := from; n <= people; n++ {
		if !match(n) {
			continue
		}
		if len(list) == size {
			return list, n
		}
		if p, ok := h.w.Tenant.Person(n); ok {
			list = append(list, h.account(p))
		}
	}
	return list, 0
}

func (h *Handler) team(rw http.ResponseWriter, c *call) {
	if !h.inTeam(rw, c.path[1]) {
		return
	}
	team, _ := h.w.Tenant.Team(c.path[1])
	world.JSON(rw, http.StatusOK, map[string]any{
		"id": team.ThreadID, "name": team.Name, "aadGroupId": team.GroupID, "channelCount": len(team.Channels),
	})
}

func (h *Handler) channels(rw http.ResponseWriter, c *call) {
	if !h.inTeam(rw, c.path[1]) || !h.lookTeam(rw, c, c.path[1]) {
		return
	}
	team, _ := h.w.Tenant.Team(c.path[1])
	list := []map[string]any{}
	for _, channel := range team.Channels {
		var name any // General has none (protocol C)
		if channel.Name != "" {
			name = channel.Name
		}
		list = append(list, map[string]any{"id": channel.ID, "name": name})
	}
	world.JSON(rw, http.StatusOK, map[string]any{"conversations": list})
}
