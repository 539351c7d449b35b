package graph

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// marked marks a credential's failures, so that the fault table can tell "no
// token" from "no answer".
type marked struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (m marked) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := m.TokenCredential.GetToken(ctx, o)
	if err != nil {
		return azcore.AccessToken{}, &tokenError{err}
	}
	return token, nil
}

type tokenError struct{ err error }

func (e *tokenError) Error() string { return "no token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// refused tells whether Entra said no for good: to this secret, this app or this
// tenant. The OAuth codes and numbers stand in the answer azidentity prints; its
// error type would give the status only, which a busy Entra shares.
func (e *tokenError) refused() bool {
	text := e.err.Error()
	for _, sign := range []string{"invalid_client", "unauthorized_client", "AADSTS700", "AADSTS90002"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// entraSays cuts Entra's sentence out of azidentity's page of diagnostics.
func entraSays(text string) string {
	i := strings.Index(text, "AADSTS")
	if i < 0 {
		return text
	}
	if end := strings.IndexAny(text[i:], "\"\r\n\\"); end > 0 {
		return text[i : i+end]
	}
	return text[i:]
}
