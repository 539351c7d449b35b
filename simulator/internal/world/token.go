package world

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Audiences of access tokens (protocol A.1).
const (
	BotAudience   = "https://api.botframework.com"
	GraphAudience = "https://graph.microsoft.com"
)

// Token is what matters of a verified access token.
type Token struct {
	Audience, AppID    string
	NotBefore, Expires time.Time
}

// The reasons for which a token is refused.
var (
	ErrNoToken       = errors.New("access token is empty or missing")
	ErrBadToken      = errors.New("signature validation failed")
	ErrTokenExpired  = errors.New("lifetime validation failed, the token is expired")
	ErrTokenAudience = errors.New("access token validation failure, invalid audience")
)

// Authorize checks the bearer token of a request for that audience.
func (w *World) Authorize(r *http.Request, audience string) (Token, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return Token{}, ErrNoToken
	}
	token, err := w.verify(text)
	if err != nil {
		return Token{}, err
	}
	switch now := w.Now(); {
	case token.Audience != audience:
		return token, ErrTokenAudience
	case !now.Before(token.Expires), now.Before(token.NotBefore.Add(-5 * time.Minute)):
		return token, ErrTokenExpired
	}
	return token, nil
}

func (w *World) verify(text string) (Token, error) {
	c, kid := &w.tokens, w.Entra.ID()
	c.mu.RLock()
	token, ok := c.claims[text]
	fresh := c.kid == kid
	c.mu.RUnlock()
	if ok && fresh {
		return token, nil
	}
	claims, err := w.Entra.Verify(text)
	if err != nil {
		return Token{}, ErrBadToken
	}
	token.Audience, _ = claims["aud"].(string)
	token.AppID, _ = claims["appid"].(string)
	exp, errExp := claims.GetExpirationTime()
	nbf, errNbf := claims.GetNotBefore()
	if errExp != nil || errNbf != nil || exp == nil || nbf == nil {
		return Token{}, ErrBadToken
	}
	token.Expires, token.NotBefore = exp.Time, nbf.Time
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kid != kid || len(c.claims) > 4096 {
		c.claims = nil
	}
	if c.claims == nil {
		c.claims, c.kid = map[string]Token{}, kid
	}
	c.claims[text] = token
	return token, nil
}
