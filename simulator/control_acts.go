package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/bot"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

func noContent(rw http.ResponseWriter) { rw.WriteHeader(http.StatusNoContent) }

// say is a person typing to the bot.
func (s *Simulator) say(rw http.ResponseWriter, r *http.Request, p tenant.Person) {
	var in struct {
		Text string `json:"text"`
	}
	if !readBody(rw, r, &in) {
		return
	}
	if strings.TrimSpace(in.Text) == "" {
		problem(rw, http.StatusBadRequest, "Type something first.")
		return
	}
	if !s.world.Tenant.Installed(p.Number) {
		problem(rw, http.StatusConflict, "The app is not installed for "+p.Name+". Install it first.")
		return
	}
	id := s.world.Tenant.Say(p.Number, in.Text)
	s.bot.Said(p, id, in.Text)
	world.JSON(rw, http.StatusOK, map[string]string{"id": id})
}

type clickBody struct {
	MessageID string                     `json:"message_id"`
	Action    map[string]json.RawMessage `json:"action"`
	Inputs    map[string]json.RawMessage `json:"inputs"`
}

// click is a person pressing a button of a card.
func (s *Simulator) click(rw http.ResponseWriter, r *http.Request, p tenant.Person) {
	var in clickBody
	if !readBody(rw, r, &in) {
		return
	}
	m, ok := s.world.Tenant.Message(p.Number, in.MessageID)
	if !ok || m.Deleted || !m.FromBot {
		problem(rw, http.StatusNotFound, "This message is not in the chat any more.")
		return
	}
	data, err := in.merged()
	if err != nil {
		problem(rw, http.StatusBadRequest, "The action's data must be a JSON object.")
		return
	}
	switch kind := text(in.Action["type"]); kind {
	case "Action.Submit":
		s.bot.Submitted(p, in.MessageID, data)
		world.JSON(rw, http.StatusOK, bot.Answer{Kind: "none", Value: json.RawMessage("null")})
	case "Action.Execute":
		s.execute(rw, r, p, in, data)
	case "Action.OpenUrl":
		world.JSON(rw, http.StatusOK, bot.Answer{Kind: "none", Value: json.RawMessage("null")})
	default:
		problem(rw, http.StatusBadRequest, "Teams cannot do an action of type '"+kind+"'.")
	}
}

// merged is the action's data with the inputs laid over it.
func (in clickBody) merged() (json.RawMessage, error) {
	data := map[string]json.RawMessage{}
	if raw := in.Action["data"]; len(raw) > 0 && string(raw) != "null" {
		if err := json.Unmarshal(raw, &data); err != nil {
			return nil, err
		}
	}
	maps.Copy(data, in.Inputs)
	return json.Marshal(data)
}

func (s *Simulator) execute(rw http.ResponseWriter, r *http.Request, p tenant.Person, in clickBody, data json.RawMessage) {
	action := map[string]json.RawMessage{"type": json.RawMessage(`"Action.Execute"`), "data": data}
	for _, name := range []string{"id", "verb"} {
		if v, ok := in.Action[name]; ok {
			action[name] = v
		}
	}
	raw, err := json.Marshal(action)
	if err != nil {
		problem(rw, http.StatusBadRequest, "The action is not valid.")
		return
	}
	answer := s.bot.Executed(r.Context(), p, in.MessageID, raw)
	if answer.Kind == "card" {
		s.world.Tenant.ReplaceCards(p.Number, in.MessageID, []json.RawMessage{answer.Value})
	}
	s.world.Tenant.SetNotice(p.Number, answer.Text())
	world.JSON(rw, http.StatusOK, answer)
}

func text(raw json.RawMessage) string {
	var out string
	if json.Unmarshal(raw, &out) != nil {
		return ""
	}
	return out
}

// install is a person adding the app by hand.
func (s *Simulator) install(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	switch s.world.Tenant.Install(p.Number) {
	case tenant.Fine:
		s.bot.InstalledByHand(p)
		noContent(rw)
	case tenant.AlreadyInstalled:
		noContent(rw)
	default:
		problem(rw, http.StatusConflict, "Teams does not let "+p.Name+" install the app.")
	}
}

func (s *Simulator) remove(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	if s.world.Tenant.Uninstall(p.Number) {
		s.bot.Removed(p)
	}
	noContent(rw)
}

// vanish takes the app away without a word to the bot: a policy did, or the event is lost.
func (s *Simulator) vanish(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	s.world.Tenant.Uninstall(p.Number)
	noContent(rw)
}

// block is silent: Teams tells a bot only when it sends.
func (s *Simulator) block(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	s.world.Tenant.Block(p.Number, true)
	noContent(rw)
}

func (s *Simulator) unblock(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	s.world.Tenant.Block(p.Number, false)
	noContent(rw)
}

func (s *Simulator) deleteChat(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	s.world.Tenant.DeleteChat(p.Number)
	noContent(rw)
}

func (s *Simulator) react(rw http.ResponseWriter, r *http.Request, p tenant.Person) {
	var in struct {
		MessageID string `json:"message_id"`
		Type      string `json:"type"`
		Removed   bool   `json:"removed"`
	}
	if !readBody(rw, r, &in) {
		return
	}
	if _, ok := s.world.Tenant.Message(p.Number, in.MessageID); !ok || in.Type == "" {
		problem(rw, http.StatusNotFound, "Name a message of this chat and a reaction.")
		return
	}
	s.bot.Reacted(p, in.MessageID, in.Type, in.Removed)
	noContent(rw)
}

// read is a person having looked at the chat; the bot hears of it only with
// the app's permission.
func (s *Simulator) read(rw http.ResponseWriter, _ *http.Request, p tenant.Person) {
	last := s.world.Tenant.Read(p.Number)
	world.JSON(rw, http.StatusOK, map[string]bool{"told": s.bot.HasRead(p, last)})
}

// directory changes a person in the directory: department, accountEnabled,
// deleted.
func (s *Simulator) directory(rw http.ResponseWriter, r *http.Request, p tenant.Person) {
	var in tenant.Edit
	if !readBody(rw, r, &in) {
		return
	}
	if d := in.Deleted; d != nil && *d != "" && *d != "changed" && *d != "deleted" {
		problem(rw, http.StatusBadRequest, `deleted must be "changed" (restorable), "deleted" (for good) or "" (restored).`)
		return
	}
	s.world.Tenant.EditPerson(p.Number, in)
	noContent(rw)
}
