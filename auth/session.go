package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	cookieName  = "fanfare"
	sessionKey  = "who"
	actorKey    = "auth.actor"
	touchEvery  = 5 * time.Minute // how often a busy session costs a write
	hostCookies = "__Host-"       // the browser then insists on https, our host, path /
)

// remembered is a session's whole content.
type remembered struct {
	Actor    broadcast.Actor
	UPN      string
	SignedIn time.Time
	Seen     time.Time // to touchEvery
}

func (w *Web) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store, m.Lifetime = w.o.Sessions, w.o.Lifetime
	// scs's own idle timeout would write to the database at every request; ours
	// notes the time at most every five minutes.
	m.IdleTimeout = 0
	m.Cookie.Name = w.cookie(cookieName)
	m.Cookie.Secure = w.secure
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode // Strict would lose the session on the way back from Entra
	m.Cookie.Persist = false
	return m
}

func (w *Web) cookie(name string) string {
	if w.secure {
		return hostCookies + name
	}
	return name
}

// Middleware loads the session: behind it Actor knows who is there. It refuses
// nobody; Require does.
func (w *Web) Middleware() gin.HandlerFunc {
	return func(c *gin.Context) {
		who, err := w.load(c)
		if err != nil {
			w.o.Log.ErrorContext(c.Request.Context(), "session could not be read", "error", err)
			w.show(c, Page{
				Status: http.StatusServiceUnavailable, Title: "Fanfare is not available",
				Text: "Fanfare cannot reach its database right now. Nothing is lost; try again in a minute.",
			})
			return
		}
		if who != nil {
			c.Set(actorKey, who.Actor)
		}
		c.Next()
	}
}

// Actor is who is signed in, if anybody is.
func (w *Web) Actor(c *gin.Context) (broadcast.Actor, bool) {
	v, ok := c.Get(actorKey)
	if !ok {
		return broadcast.Actor{}, false
	}
	a, ok := v.(broadcast.Actor)
	return a, ok
}

// load puts the session into the request's context and returns who it is; nil
// for nobody, or for somebody whose time is over.
func (w *Web) load(c *gin.Context) (*remembered, error) {
	token, _ := c.Cookie(w.sessions.Cookie.Name)
	ctx, err := w.sessions.Load(c.Request.Context(), token)
	if err != nil {
		return nil, err
	}
	c.Request = c.Request.WithContext(ctx)
	c.Writer.Header().Add("Vary", "Cookie")
	raw := w.sessions.GetBytes(ctx, sessionKey)
	if raw == nil {
		return nil, nil
	}
	var who remembered
	if err := json.Unmarshal(raw, &who); err != nil {
		return nil, err
	}
	now := w.o.Now()
	if now.Sub(who.SignedIn) > w.o.Lifetime || now.Sub(who.Seen) > w.o.Idle {
		return nil, w.sessions.Destroy(ctx)
	}
	if now.Sub(who.Seen) > touchEvery {
		who.Seen = now
		if err := w.put(ctx, who); err != nil {
			return nil, err
		}
		if _, _, err := w.sessions.Commit(ctx); err != nil {
			return nil, err
		}
	}
	return &who, nil
}

func (w *Web) put(ctx context.Context, who remembered) error {
	raw, err := json.Marshal(who)
	if err != nil {
		return err
	}
	w.sessions.Put(ctx, sessionKey, raw)
	return nil
}

// begin starts a session under a new token, so that nobody's planted token
// becomes a signed-in one.
func (w *Web) begin(c *gin.Context, a broadcast.Actor, upn string) error {
	ctx := c.Request.Context()
	if err := w.sessions.RenewToken(ctx); err != nil {
		return err
	}
	now := w.o.Now()
	if err := w.put(ctx, remembered{Actor: a, UPN: upn, SignedIn: now, Seen: now}); err != nil {
		return err
	}
	token, expiry, err := w.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	w.sessions.WriteSessionCookie(ctx, c.Writer, token, expiry)
	return nil
}

// end forgets the session in the database and in the browser.
func (w *Web) end(c *gin.Context) error {
	ctx := c.Request.Context()
	w.sessions.WriteSessionCookie(ctx, c.Writer, "", time.Time{})
	return w.sessions.Destroy(ctx)
}
