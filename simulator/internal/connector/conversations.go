package connector

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

type createBody struct {
	Bot struct {
		ID string `json:"id"`
	} `json:"bot"`
	Members []struct {
		ID string `json:"id"`
	} `json:"members"`
	IsGroup     bool   `json:"isGroup"`
	TenantID    string `json:"tenantId"`
	ChannelData struct {
		Tenant struct {
			ID string `json:"id"`
		} `json:"tenant"`
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
	} `json:"channelData"`
	Activity json.RawMessage `json:"activity"`
}

// readCreate reads the body once, and tells whom a create is about, for faults
// aimed at a person.
func (h *Handler) readCreate(c *call) {
	if c.createErr = json.Unmarshal(c.body, &c.create); c.createErr == nil && len(c.create.Members) == 1 {
		c.number, _ = h.w.Tenant.Account(c.create.Members[0].ID)
	}
}

// create answers POST /v3/conversations: get-or-create of a personal chat, or
// a new thread in a channel (protocol C.1, C.2).
func (h *Handler) create(rw http.ResponseWriter, c *call) {
	in := c.create
	if c.createErr != nil {
		h.fail(rw, http.StatusBadRequest, "BadArgument", "Unable to parse the conversation parameters.")
		return
	}
	given := in.TenantID
	if in.ChannelData.Tenant.ID != "" {
		given = in.ChannelData.Tenant.ID
	}
	switch {
	case !strings.EqualFold(given, h.w.Tenant.TenantID):
		h.fail(rw, http.StatusBadRequest, "BadArgument", "The tenant id is missing or unknown.")
	case in.Bot.ID != "" && !strings.EqualFold(strings.TrimPrefix(in.Bot.ID, "28:"), h.w.Tenant.BotID):
		h.fail(rw, http.StatusBadRequest, "BadArgument", "The bot id is not that of the caller.")
	case in.ChannelData.Channel.ID != "":
		h.startThread(rw, c, in)
	case in.IsGroup || len(in.Members) != 1:
		h.fail(rw, http.StatusBadRequest, "BadArgument", "Bots create personal conversations with exactly one member.")
	default:
		h.createPersonal(rw, c, in)
	}
}

func (h *Handler) createPersonal(rw http.ResponseWriter, c *call, in createBody) {
	number, ok := h.w.Tenant.Account(in.Members[0].ID)
	if !ok {
		h.fail(rw, http.StatusBadRequest, "BadArgument", "Failed to decrypt pairwise id")
		return
	}
	c.number = number
	id, wait, problem := h.w.Tenant.Open(number)
	if problem != tenant.Fine {
		h.refuse(rw, c, problem, wait)
		return
	}
	region, first := h.w.Dials.Now().CreateServiceRegion, len(in.Activity) > 0 && string(in.Activity) != "null"
	if region == "" && !first {
		created(rw, id)
		return
	}
	answer := map[string]any{"id": id}
	if region != "" {
		answer["serviceUrl"] = h.w.ServiceURL(region)
	}
	if first {
		a, err := h.parsed.parse(in.Activity)
		if err != nil {
			h.fail(rw, http.StatusBadRequest, "BadSyntax", err.Error())
			return
		}
		_, generation, _ := h.w.Tenant.Conversation(id)
		c.generation = generation
		activityID, wait, problem := h.w.Tenant.Deliver(c.delivery(rw, a, true))
		if problem != tenant.Fine {
			h.refuse(rw, c, problem, wait)
			return
		}
		answer["activityId"] = strconv.FormatInt(activityID, 10)
	}
	world.JSON(rw, http.StatusCreated, answer)
}

// delivery is a message to the person who is addressed. Whoever hung up while
// the service was slow will not hear of it.
func (c *call) delivery(rw http.ResponseWriter, a *tenant.Activity, copied bool) tenant.Delivery {
	_, unheard := rw.(*world.Unheard)
	return tenant.Delivery{
		Number: c.number, Generation: c.generation, Activity: a, Copy: copied, Unheard: unheard || c.http.Context().Err() != nil,
	}
}

func (h *Handler) startThread(rw http.ResponseWriter, c *call, in createBody) {
	channel := in.ChannelData.Channel.ID
	if !h.inTeam(rw, channel) {
		return
	}
	a, err := h.parsed.parse(in.Activity)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadSyntax", err.Error())
		return
	}
	n, wait, problem := h.w.Tenant.Post(channel, a, false)
	if problem != tenant.Fine {
		h.refuse(rw, c, problem, wait)
		return
	}
	id := strconv.FormatInt(n, 10)
	world.JSON(rw, http.StatusCreated, map[string]string{"id": channel + ";messageid=" + id, "activityId": id})
}

// inTeam tells whether the bot may write to a channel, or answers why not.
func (h *Handler) inTeam(rw http.ResponseWriter, channel string) bool {
	team, ok := h.w.Tenant.Team(channel)
	switch {
	case !ok, team.Deleted:
		h.fail(rw, http.StatusNotFound, "ConversationNotFound", "Conversation not found.")
	case !team.Installed:
		h.fail(rw, http.StatusForbidden, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
	default:
		return true
	}
	return false
}

// address tells a personal chat from a channel, or answers 400.
func (h *Handler) address(rw http.ResponseWriter, c *call) (channel string, ok bool) {
	id := c.path[1]
	if channel, _, _ = strings.Cut(id, ";messageid="); strings.HasSuffix(channel, "@thread.tacv2") {
		return channel, true
	}
	if c.number == 0 {
		h.fail(rw, http.StatusBadRequest, "BadArgument", "Failed to decrypt conversation id")
		return "", false
	}
	return "", true
}

// activity reads the message of the body, or answers what is wrong with it.
func (h *Handler) activity(rw http.ResponseWriter, c *call) (*tenant.Activity, bool) {
	if !strings.HasPrefix(c.http.Header.Get("Content-Type"), "application/json") {
		h.fail(rw, http.StatusBadRequest, "BadSyntax", "The content type must be application/json.")
		return nil, false
	}
	if tooBig(c.body) {
		h.fail(rw, http.StatusRequestEntityTooLarge, "MessageSizeTooBig", "Message size too large.")
		return nil, false
	}
	a, err := h.parsed.parse(c.body)
	if err != nil {
		h.fail(rw, http.StatusBadRequest, "BadSyntax", err.Error())
		return nil, false
	}
	return a, true
}

// send answers send and reply (protocol C.3).
func (h *Handler) send(rw http.ResponseWriter, c *call) {
	channel, ok := h.address(rw, c)
	if !ok {
		return
	}
	a, ok := h.activity(rw, c)
	if !ok {
		return
	}
	if channel != "" && !h.inTeam(rw, channel) {
		return
	}
	var id int64
	var wait time.Duration
	var problem tenant.Problem
	if channel != "" {
		id, wait, problem = h.w.Tenant.Post(channel, a, len(c.path) == 4 || c.path[1] != channel)
	} else {
		id, wait, problem = h.w.Tenant.Deliver(c.delivery(rw, a, len(c.path) == 3))
	}
	switch {
	case problem != tenant.Fine:
		h.refuse(rw, c, problem, wait)
	case id == 0, a.Text != "" && len(a.Cards) > 0: // Teams splits the latter and names no usable ID
		world.JSON(rw, http.StatusCreated, map[string]string{})
	default:
		created(rw, strconv.FormatInt(id, 10))
	}
}

// created is the answer of the hot path, written by hand.
func created(rw http.ResponseWriter, id string) {
	body := make([]byte, 0, 96)
	body = append(append(append(body, `{"id":"`...), id...), `"}`...)
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(http.StatusCreated)
	_, _ = rw.Write(body)
}

// update answers PUT and DELETE of a message (protocol C.5).
func (h *Handler) update(rw http.ResponseWriter, c *call) {
	channel, ok := h.address(rw, c)
	if !ok {
		return
	}
	var a *tenant.Activity
	if c.http.Method == http.MethodPut {
		if a, ok = h.activity(rw, c); !ok {
			return
		}
	}
	var problem tenant.Problem
	if channel == "" {
		problem = h.w.Tenant.Edit(c.number, c.generation, c.path[3], a)
	} else if problem = h.w.Tenant.EditPost(channel, c.path[3], a); !h.inTeam(rw, channel) {
		return
	}
	switch {
	case problem != tenant.Fine:
		h.refuse(rw, c, problem, time.Second)
	case a == nil:
		rw.WriteHeader(http.StatusOK)
	default:
		world.JSON(rw, http.StatusOK, map[string]string{"id": c.path[3]})
	}
}
