package bot

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/fanfare/fanfare/simulator/internal/tenant"
)

// Answer is what a person sees after clicking an Action.Execute.
type Answer struct {
	// Kind is card, message, none or error.
	Kind string `json:"kind"`
	// Value is the card, or the text of the toast.
	Value json.RawMessage `json:"value"`
}

// Wrong is what Teams shows whenever a bot's answer is not to its liking.
const Wrong = "Something went wrong. Please try again."

// Executed calls the bot with an Action.Execute and judges its answer as Teams
// does (protocol D.6): the envelope must be right, or something went wrong.
func (s *Sender) Executed(ctx context.Context, p tenant.Person, replyTo string, action json.RawMessage) Answer {
	status, body, err := s.post(ctx, s.execute(p, replyTo, action))
	if err != nil || status != 200 {
		s.w.Meter.EventsFailed.Add(1)
		s.w.Log.Info("bot did not answer an invoke", "status", status, "error", err)
		return failure(Wrong)
	}
	s.w.Meter.EventsSent.Add(1)
	return judge(body)
}

func judge(body []byte) Answer {
	var envelope struct {
		StatusCode int             `json:"statusCode"`
		Type       string          `json:"type"`
		Value      json.RawMessage `json:"value"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return failure(Wrong)
	}
	switch {
	case envelope.StatusCode == http.StatusOK && envelope.Type == "application/vnd.microsoft.card.adaptive":
		var card struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(envelope.Value, &card) != nil || card.Type != "AdaptiveCard" {
			return failure(Wrong)
		}
		return Answer{Kind: "card", Value: envelope.Value}
	case envelope.StatusCode == http.StatusOK && envelope.Type == "application/vnd.microsoft.activity.message":
		var text string
		if json.Unmarshal(envelope.Value, &text) != nil {
			return failure(Wrong)
		}
		if strings.TrimSpace(text) == "" {
			return Answer{Kind: "none", Value: json.RawMessage("null")}
		}
		return Answer{Kind: "message", Value: envelope.Value}
	case (envelope.StatusCode == http.StatusBadRequest || envelope.StatusCode == http.StatusInternalServerError) && envelope.Type == "application/vnd.microsoft.error":
		var problem struct{ Code, Message string }
		if json.Unmarshal(envelope.Value, &problem) == nil && problem.Message != "" {
			return failure(problem.Message)
		}
	}
	return failure(Wrong)
}

func failure(text string) Answer {
	value, err := json.Marshal(text)
	if err != nil {
		value = []byte(`""`)
	}
	return Answer{Kind: "error", Value: value}
}

// Text is the toast of an answer, or "".
func (a Answer) Text() string {
	var text string
	if a.Kind == "card" || json.Unmarshal(a.Value, &text) != nil {
		return ""
	}
	return text
}
