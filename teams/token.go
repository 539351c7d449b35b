package teams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// DefaultScope is the Connector's scope in the public cloud (protocol A.1, A.4).
const DefaultScope = "https://api.botframework.com/.default"

// refreshAhead is how long before its end a token is renewed (protocol A.2).
const refreshAhead = 5 * time.Minute

// TokenSource gives the bearer token for the Connector: one per app, shared by all
// tenants, people and service URLs (protocol A.1).
type TokenSource interface {
	// Token returns a token that is good for a while, fetching one if need be.
	Token(ctx context.Context) (string, error)
	// Drop forgets the token the Connector refused. It names the token, so that many
	// workers refused at once cause one refresh and not one each.
	Drop(token string)
}

// credentialSource keeps one token of an azidentity credential.
type credentialSource struct {
	cred  azcore.TokenCredential
	scope string
	now   func() time.Time
	turn  chan struct{} // held by the one who fetches

	held    atomic.Pointer[heldToken]
	mu      sync.Mutex // held by whoever changes what follows, and held with it
	refused string
}

// heldToken is a token and its times. It is never changed: a million calls read it
// without waiting for each other.
type heldToken struct {
	token           string
	renewAt, endsAt time.Time
}

// CredentialToken is the TokenSource over an azidentity credential. It renews the
// token five minutes before its end (or at half its life, if that is shorter), one
// fetch at a time; while renewing fails, a token that still lives is used on.
func CredentialToken(cred azcore.TokenCredential, scope string, now func() time.Time) TokenSource {
	return &credentialSource{cred: cred, scope: scope, now: now, turn: make(chan struct{}, 1)}
}

func (s *credentialSource) Token(ctx context.Context) (string, error) {
	if t := s.inHand(); t != "" {
		return t, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for a token: %w", ctx.Err())
	}
	if t := s.inHand(); t != "" { // fetched by whoever had the turn before
		return t, nil
	}
	got, err := s.fetch(ctx)
	if h := s.held.Load(); err != nil && h != nil && s.now().Before(h.endsAt) {
		return h.token, nil
	}
	if err != nil {
		return "", err
	}
	s.keep(got)
	return got.Token, nil
}

// inHand is the token, if it is good for a while.
func (s *credentialSource) inHand() string {
	if h := s.held.Load(); h != nil && s.now().Before(h.renewAt) {
		return h.token
	}
	return ""
}

func (s *credentialSource) Drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.held.Load(); h != nil && h.token == token {
		s.refused = token
		s.held.Store(nil)
	}
}

// fetch asks the credential. The credential has a cache of its own (dependencies,
// "azidentity"); if that answers with the very token the Connector refused, the
// question is put again as a claims challenge, which passes by the cache.
func (s *credentialSource) fetch(ctx context.Context) (azcore.AccessToken, error) {
	opts := policy.TokenRequestOptions{Scopes: []string{s.scope}}
	got, err := s.cred.GetToken(ctx, opts)
	s.mu.Lock()
	stale := err == nil && s.refused != "" && got.Token == s.refused
	s.mu.Unlock()
	if stale {
		opts.Claims = fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, s.now().Unix())
		got, err = s.cred.GetToken(ctx, opts)
	}
	if err == nil && got.Token == "" {
		err = errors.New("the credential returned an empty token")
	}
	return got, err
}

func (s *credentialSource) keep(got azcore.AccessToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	life := got.ExpiresOn.Sub(s.now())
	s.refused = ""
	s.held.Store(&heldToken{token: got.Token, renewAt: got.ExpiresOn.Add(-min(refreshAhead, life/2)), endsAt: got.ExpiresOn})
}
