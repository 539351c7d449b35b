package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// entra is what we know of our tenant's sign-in. It is discovered at the first
// use and tried again after failures.
type entra struct {
	issuer, tenant, clientID, clientSecret, redirect string

	http *http.Client
	now  func() time.Time

	mu       sync.Mutex
	found    *discovered
	failed   error
	failedAt time.Time
}

type discovered struct {
	oauth2     oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string
}

// rest is how long a failed discovery is remembered: long enough that a crowd at
// the door does not queue up for one timeout each.
const rest = 2 * time.Second

// errEntraDown marks that Entra could not be reached: worth another try.
var errEntraDown = errors.New("entra cannot be reached")

func (e *entra) discover(ctx context.Context) (*discovered, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.found != nil {
		return e.found, nil
	}
	if e.failed != nil && e.now().Sub(e.failedAt) < rest {
		return nil, e.failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	// NewProvider compares the document's issuer with ours: a metadata document of
	// another tenant, or the templated one of "common", is refused.
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, e.http), e.issuer)
	if err != nil {
		e.failed, e.failedAt = fmt.Errorf("%w: %w", errEntraDown, err), e.now()
		return nil, e.failed
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	_ = provider.Claims(&more) // signing out at Entra is a courtesy: without the address we sign out here only
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	e.failed = nil
	e.found = &discovered{
		oauth2: oauth2.Config{
			ClientID: e.clientID, ClientSecret: e.clientSecret, Endpoint: endpoint,
			RedirectURL: e.redirect, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
		},
		verifier: provider.Verifier(&oidc.Config{
			ClientID: e.clientID, SupportedSigningAlgs: []string{oidc.RS256}, Now: e.now,
			SkipIssuerCheck: true, // claims.check does it, to tell a foreign tenant from a fault
		}),
		endSession: more.EndSession,
	}
	return e.found, nil
}

// redeem turns a code into the claims of a checked ID token (protocol H.1).
func (e *entra) redeem(ctx context.Context, code string, a attempt) (claims, error) {
	d, err := e.discover(ctx)
	if err != nil {
		return claims{}, err
	}
	ctx = oidc.ClientContext(ctx, e.http)
	token, err := d.oauth2.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return claims{}, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return claims{}, errors.New("the token answer holds no id_token")
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return claims{}, fmt.Errorf("id token: %w", err)
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		return claims{}, fmt.Errorf("id token claims: %w", err)
	}
	return c, c.check(e.issuer, e.tenant, a.Nonce)
}
