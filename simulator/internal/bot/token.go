package bot

import (
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fanfare/fanfare/simulator/internal/entra"
	"github.com/fanfare/fanfare/simulator/internal/world"
)

// tokens keeps the last signed token: signing costs about a millisecond, and the
// real Connector reuses its tokens too.
type tokens struct {
	mu      sync.Mutex
	key     string
	text    string
	renewAt time.Time
}

const (
	tokenLife  = time.Hour
	tokenReuse = 5 * time.Minute
)

// token returns the token for an activity (protocol B.2), or the spoiled one
// that the dial asks for.
func (s *Sender) token(activity fields) (string, error) {
	serviceURL, _ := activity["serviceUrl"].(string)
	fault, now := s.w.Dials.Now().BotToken, s.w.Now()
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	key := fault + "|" + serviceURL + "|" + s.w.Bot.ID()
	if s.tokens.key == key && now.Before(s.tokens.renewAt) && now.After(s.tokens.renewAt.Add(-tokenReuse-time.Minute)) {
		return s.tokens.text, nil
	}
	text, err := s.sign(fault, serviceURL, now)
	if err != nil {
		return "", err
	}
	s.tokens.key, s.tokens.text, s.tokens.renewAt = key, text, now.Add(tokenReuse)
	return text, nil
}

func (s *Sender) sign(fault, serviceURL string, now time.Time) (string, error) {
	claims := jwt.MapClaims{
		"serviceurl": serviceURL, "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"iss": "https://api.botframework.com", "aud": s.w.Tenant.BotID,
	}
	switch fault {
	case "wrong_aud":
		claims["aud"] = "deadbeef-0000-4000-8000-000000000000"
	case "wrong_iss":
		claims["iss"] = "https://sts.windows.net/" + s.w.Tenant.TenantID + "/"
	case "expired":
		claims["nbf"], claims["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-6*time.Minute).Unix()
	case "future":
		claims["nbf"] = now.Add(6 * time.Minute).Unix()
	case "serviceurl":
		claims["serviceurl"] = "https://evil.example/"
	case "missing":
		return "", nil
	case "no_endorsement":
		return s.w.Entra.Sign(claims, entra.Unendorsed)
	case "graph_token":
		claims["aud"] = world.GraphAudience
		return s.w.Entra.Sign(claims, "")
	case "alg_none":
		token := jwt.NewWithClaims(jwt.SigningMethodNone, claims)
		token.Header["kid"] = s.w.Bot.ID()
		return token.SignedString(jwt.UnsafeAllowNoneSignatureType)
	case "hs256":
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["kid"] = s.w.Bot.ID()
		return token.SignedString([]byte(s.w.Bot.Publish("").N)) // the classic mix-up: a public key as a secret
	}
	return s.w.Bot.Sign(claims, "")
}
