package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"
)

// attempt is one sign-in under way. It waits in a cookie of its own, not in the
// database: strangers who only start signing in cost us no row, and two tabs do
// not disturb each other. The browser may know it; another site cannot set it
// (__Host-, SameSite=Lax), which is what binds the answer to the browser.
type attempt struct {
	State    string
	Nonce    string
	Verifier string // PKCE
	Next     string // where the person wanted to go: a local path
	Started  time.Time
}

// attemptLife is a little more than a code lives (protocol H.1: 10 minutes).
const attemptLife = 15 * time.Minute

func (w *Web) newAttempt(next string) attempt {
	return attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: localPath(next), Started: w.o.Now()}
}

func (w *Web) keepAttempt(c *gin.Context, a attempt) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.attemptCookie(c, a.State, base64.RawURLEncoding.EncodeToString(raw), int(attemptLife.Seconds()))
	return nil
}

// takeAttempt finds the sign-in an answer belongs to, once.
func (w *Web) takeAttempt(c *gin.Context, state string) (attempt, bool) {
	if state == "" {
		return attempt{}, false
	}
	value, err := c.Cookie(w.attemptName(state))
	if err != nil {
		return attempt{}, false
	}
	w.attemptCookie(c, state, "", -1)
	var a attempt
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return attempt{}, false
	}
	age := w.o.Now().Sub(a.Started)
	a.Next = localPath(a.Next)
	return a, a.State == state && a.Verifier != "" && age < attemptLife && age > -attemptLife
}

func (w *Web) attemptName(state string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '2' && r <= '7' { // the alphabet of rand.Text
			return r
		}
		return -1
	}, state)
	return w.cookie("fanfare-in-" + clean[:min(8, len(clean))])
}

func (w *Web) attemptCookie(c *gin.Context, state, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: w.attemptName(state), Value: value, MaxAge: maxAge, Path: "/",
		HttpOnly: true, Secure: w.secure, SameSite: http.SameSiteLaxMode,
	})
}

// localPath is next if it is a page of ours, else the front page: an address
// somebody else wrote must not lead people away (no open redirect).
func localPath(next string) string {
	const front = "/"
	if len(next) > 1500 || !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return front
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return front
	}
	for _, loop := range []string{"/auth/", "/sign-in", "/sign-out"} {
		if strings.HasPrefix(u.Path, loop) {
			return front
		}
	}
	return u.RequestURI()
}
