package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
)

// WebOptions is what sign-in is made of. Everything is required but Lifetime and Idle.
type WebOptions struct {
	Authority    string // e.g. https://login.microsoftonline.com
	TenantID     string // the only tenant whose people may come in
	ClientID     string
	ClientSecret string
	PublicURL    string       // where browsers find us; https, or http on a loopback address
	HTTP         *http.Client // for Entra: carries the CA and the time limits
	Sessions     scs.Store    // used through its CtxStore methods where it has them
	Now          func() time.Time
	Log          *slog.Logger
	Lifetime     time.Duration // a session's life at most; 0 means 24 hours
	Idle         time.Duration // a session's life without a request; 0 means 8 hours
}

// Web signs people in and remembers them.
type Web struct {
	o        WebOptions
	public   *url.URL
	secure   bool // cookies only over https; false on loopback only
	sessions *scs.SessionManager
	entra    entra
	say      func(*gin.Context, Page)
}

// NewWeb makes the doorman for people. It asks nothing of Entra yet: the app
// starts while Entra cannot be reached, and the first sign-in discovers it. The
// error names every option that is wrong.
func NewWeb(o WebOptions) (*Web, error) {
	o.Authority = strings.TrimRight(o.Authority, "/")
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	if o.Lifetime == 0 {
		o.Lifetime = 24 * time.Hour
	}
	if o.Idle == 0 {
		o.Idle = 8 * time.Hour
	}
	public, err := o.check()
	if err != nil {
		return nil, err
	}
	w := &Web{o: o, public: public, secure: public.Scheme == "https", say: plainPage}
	w.sessions = w.newSessions()
	w.entra = entra{
		issuer: o.Authority + "/" + o.TenantID + "/v2.0", tenant: o.TenantID, clientID: o.ClientID, clientSecret: o.ClientSecret,
		redirect: o.PublicURL + "/auth/callback", http: o.HTTP, now: o.Now,
	}
	return w, nil
}

func (o WebOptions) check() (*url.URL, error) {
	var problems []error
	need := func(ok bool, what string) {
		if !ok {
			problems = append(problems, errors.New("sign-in: "+what))
		}
	}
	public, err := url.Parse(o.PublicURL)
	need(err == nil && public.Host != "" && (public.Scheme == "https" || public.Scheme == "http"),
		fmt.Sprintf("the public URL %q is not a complete address", o.PublicURL))
	need(err != nil || public.Path == "", "the public URL must not have a path: Fanfare wants a host of its own")
	need(strings.HasPrefix(o.Authority, "https://"), "the authority must begin with https://")
	// "common" would let any tenant's people in (protocol H.1).
	need(o.TenantID != "" && o.TenantID != "common" && o.TenantID != "organizations" && o.TenantID != "consumers",
		"the tenant must be your own tenant's ID")
	need(o.ClientID != "", "the client ID is missing")
	need(o.ClientSecret != "", "the client secret is missing")
	need(o.HTTP != nil && o.Sessions != nil && o.Now != nil && o.Log != nil, "HTTP, Sessions, Now and Log are required")
	return public, errors.Join(problems...)
}

// Sayer shows a page to a person in the house's own layout.
type Sayer func(*gin.Context, Page)

// SayWith lets the web room show auth's few pages in its own layout. Call it
// before serving.
func (w *Web) SayWith(s Sayer) { w.say = s }

// detached is a context that outlives a request whose browser went away, but not
// for long: a code can be redeemed only once, so its redemption is finished.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
}
