package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api/inbox"
	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/teams"
)

// maxActivity is how large an activity may be. Teams' own stay far below.
const maxActivity = 256 << 10

// receive is POST /api/messages: verify, de-duplicate, store, answer 200 well
// within Teams' 15 seconds (protocol B.6); what the activity means is done
// afterwards by package inbox. Nothing of the body is read before the token is good,
// and nothing of it is believed before the token covers it.
func (d *Door) receive(c *gin.Context, _ broadcast.Actor) error {
	ctx := c.Request.Context()
	token, err := d.o.Verifier.CheckToken(ctx, c.GetHeader("Authorization"))
	if err != nil {
		return d.botRefusal(ctx, err)
	}
	raw, err := readBody(c, maxActivity)
	if err != nil {
		return err
	}
	a, err := teams.ParseActivity(raw)
	if err != nil {
		d.log.WarnContext(ctx, "activity could not be read", "error", err)
		return &refusal{http.StatusBadRequest, "bad_activity", "The body is not a Bot Framework activity: a JSON object with a type."}
	}
	if err := token.CheckActivity(a); err != nil {
		return d.botRefusal(ctx, err)
	}
	if strings.EqualFold(a.Type, "invoke") {
		d.answerInvoke(c, a)
		return nil
	}
	if !inbox.WorthKeeping(a) {
		c.Status(http.StatusOK)
		return nil
	}
	return d.keep(c, a, raw)
}

// keep stores an activity, once, and answers.
func (d *Door) keep(c *gin.Context, a *teams.Activity, raw []byte) error {
	in := broadcast.Inbound{ConversationID: a.Conversation.ID, ActivityID: a.ID, Body: raw, ReceivedAt: d.o.Now()}
	fresh, err := d.o.Inbox.SaveActivity(c.Request.Context(), in)
	if err != nil {
		d.log.ErrorContext(c.Request.Context(), "activity could not be stored", "request_id", requestID(c), "error", err)
		return &refusal{http.StatusServiceUnavailable, "unavailable", "The activity could not be stored. Send it again."}
	}
	if fresh {
		d.inbox.Poke()
	}
	c.Status(http.StatusOK)
	return nil
}

// botRefusal is what a stranger at the bot's door learns: nothing but the status.
func (d *Door) botRefusal(ctx context.Context, err error) error {
	d.log.WarnContext(ctx, "activity refused", "cause", err)
	switch {
	case errors.Is(err, teams.ErrKeysUnavailable):
		return &refusal{http.StatusServiceUnavailable, "unavailable", "The Bot Framework's keys cannot be read right now. Send the activity again."}
	case errors.Is(err, teams.ErrForbidden):
		return &refusal{http.StatusForbidden, "forbidden", "This bot does not accept that activity."}
	}
	return &refusal{http.StatusUnauthorized, "unauthenticated", "Only Microsoft Teams may post here, with the Bot Framework's token."}
}

// describeBot is GET and HEAD /api/messages, for people who try the address.
func (d *Door) describeBot(c *gin.Context, _ broadcast.Actor) error {
	c.String(http.StatusOK, "This is Fanfare's bot endpoint; Microsoft Teams posts here.\n")
	return nil
}

// invokeLimit leaves Teams' 15 seconds some room for the way (protocol B.6).
const invokeLimit = 10 * time.Second

// answerInvoke answers a press on one of our cards while Teams waits (protocol
// D.6). An invoke we do not know gets 501, as the SDKs answer it.
func (d *Door) answerInvoke(c *gin.Context, a *teams.Activity) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), invokeLimit)
	defer cancel()
	act, ours := a.Act()
	switch {
	case a.Kind() != teams.Acted:
		c.Status(http.StatusNotImplemented)
	case ours && act.Verb == teams.VerbWhy:
		c.JSON(http.StatusOK, teams.Notice(d.service.Why(ctx, act.BroadcastID)))
	default:
		c.JSON(http.StatusOK, teams.Refusal(http.StatusBadRequest, "UnknownAction", "Fanfare does not know this button any more."))
	}
}
