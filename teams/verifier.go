package teams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Addresses of the public cloud (protocol A.4, B.1).
const (
	DefaultMetadataURL = "https://login.botframework.com/v1/.well-known/openidconfiguration"
	DefaultIssuer      = "https://api.botframework.com"
)

// channelTeams is the only channel we listen to.
const channelTeams = "msteams"

// clockSkew is what clocks may differ by (protocol B.3, step 6).
const clockSkew = 5 * time.Minute

// The three ways a check can fail; everything a Verifier returns wraps one of them.
// The rest of the text is for the log, never for the one who knocks.
var (
	// ErrUnauthenticated: not a token of the Connector for this bot. Answer 401.
	ErrUnauthenticated = errors.New("unauthenticated")
	// ErrForbidden: a good token, but not for this activity, tenant or host. Answer 403.
	ErrForbidden = errors.New("forbidden")
	// ErrKeysUnavailable: the signing keys cannot be read, so nobody can say. Answer
	// 503: the Connector delivers again (protocol B.6).
	ErrKeysUnavailable = errors.New("signing keys unavailable")
)

// VerifierOptions is what a Verifier is made of. BotID, TenantID, Hosts and HTTP are
// required.
type VerifierOptions struct {
	MetadataURL string // "" for DefaultMetadataURL
	Issuer      string // "" for DefaultIssuer
	BotID       string
	TenantID    string // the tenant whose activities are let in (protocol A.5)
	Hosts       HostList
	HTTP        *http.Client
	Now         func() time.Time
	Log         *slog.Logger
}

// Verifier tells whether a request comes from the Bot Connector, by every check of
// protocol B.3. There is no way to switch it off.
type Verifier struct {
	keys   *keyRing
	parser *jwt.Parser
	bot    string
	tenant string
	hosts  HostList
}

// NewVerifier makes a Verifier. It reads no keys yet.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if o.BotID == "" || o.TenantID == "" || o.HTTP == nil {
		return nil, errors.New("checking inbound tokens needs the bot's ID, the tenant's ID and an HTTP client")
	}
	if o.MetadataURL == "" {
		o.MetadataURL = DefaultMetadataURL
	}
	if o.Issuer == "" {
		o.Issuer = DefaultIssuer
	}
	if err := secure(o.MetadataURL); err != nil {
		return nil, fmt.Errorf("the address of the Bot Framework's metadata: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ring := &keyRing{metadataURL: o.MetadataURL, issuer: o.Issuer, http: straight(o.HTTP), now: o.Now, log: o.Log, turn: make(chan struct{}, 1)}
	// RS256 only, though some of Microsoft's validators take more: it is what the
	// metadata lists, and one algorithm leaves no room for mixing them up.
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}), jwt.WithIssuer(o.Issuer),
		jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
	)
	return &Verifier{keys: ring, parser: parser, bot: o.BotID, tenant: o.TenantID, hosts: o.Hosts}, nil
}

// claims are the Connector's claims. encoding/json takes "serviceUrl" for
// "serviceurl", so both spellings are read (protocol B.2).
type claims struct {
	ServiceURL string `json:"serviceurl"`
	jwt.RegisteredClaims
}

// Token is a token that passed every check that needs no body.
type Token struct {
	verifier   *Verifier
	key        signingKey
	serviceURL string
}

// maxToken bounds the header we are willing to look at; real ones have about 1 KB.
const maxToken = 16 << 10

// CheckToken checks an Authorization header by steps 1 to 6 of protocol B.3, before
// anything of the body is read, and that the service URL it was issued for is one we
// would talk to. The activity has to pass Token.CheckActivity then.
func (v *Verifier) CheckToken(ctx context.Context, authorization string) (Token, error) {
	parts := strings.Split(authorization, " ")
	if len(parts) != 2 || !strings.EqualFold(parts[0], "Bearer") || parts[1] == "" || len(parts[1]) > maxToken {
		return Token{}, fmt.Errorf("%w: there is no bearer token", ErrUnauthenticated)
	}
	var c claims
	var key signingKey
	_, err := v.parser.ParseWithClaims(parts[1], &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if _, critical := t.Header["crit"]; critical || kid == "" {
			return nil, errors.New("the header has no key ID, or demands what we do not know")
		}
		var err error
		key, err = v.keys.key(ctx, kid)
		if err != nil && !errors.Is(err, errUnknownKey) {
			return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, err)
		}
		return key.public, err
	})
	switch {
	case errors.Is(err, ErrKeysUnavailable):
		return Token{}, err
	case err != nil:
		return Token{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	case len(c.Audience) != 1 || !strings.EqualFold(c.Audience[0], v.bot):
		return Token{}, fmt.Errorf("%w: the token is for %q, not for this bot", ErrUnauthenticated, c.Audience)
	case c.ServiceURL == "":
		return Token{}, fmt.Errorf("%w: the token has no serviceurl claim", ErrUnauthenticated)
	}
	if err := v.hosts.Allow(c.ServiceURL); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return Token{verifier: v, key: key, serviceURL: c.ServiceURL}, nil
}

// CheckActivity checks that the token was issued for this activity: steps 7 to 9 of
// protocol B.3. Only then may anything in the activity be believed.
func (t Token) CheckActivity(a *Activity) error {
	switch {
	case t.verifier == nil:
		return fmt.Errorf("%w: no token was checked", ErrUnauthenticated)
	case a.ServiceURL == "" || a.ServiceURL != t.serviceURL:
		return fmt.Errorf("%w: the activity's service URL %q is not the token's", ErrForbidden, shorten(a.ServiceURL, 200))
	case a.ChannelID != channelTeams:
		return fmt.Errorf("%w: the channel is %q, not Teams", ErrForbidden, shorten(a.ChannelID, 50))
	case !slices.Contains(t.key.endorsements, a.ChannelID):
		return fmt.Errorf("%w: the signing key is not endorsed for channel %q", ErrForbidden, a.ChannelID)
	}
	tenants := a.Tenants()
	if len(tenants) == 0 {
		return fmt.Errorf("%w: the activity names no tenant", ErrForbidden)
	}
	for _, tenant := range tenants {
		if !strings.EqualFold(tenant, t.verifier.tenant) {
			return fmt.Errorf("%w: the activity is of tenant %q", ErrForbidden, shorten(tenant, 50))
		}
	}
	return nil
}
