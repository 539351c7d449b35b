package teams

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// When signing keys are read again (protocol B.4). A caller that brings an unknown
// key may cause one reading an hour, so that garbage cannot make us hammer
// Microsoft; after a failed reading everybody waits a little.
const (
	keysMaxAge      = 24 * time.Hour
	unknownKeyEvery = time.Hour
	failedKeysPause = 15 * time.Second
	keysTimeout     = 8 * time.Second // the Connector waits 15 s for us (protocol B.6)
	maxKeysBody     = 1 << 20
)

// signingKey is one of the Connector's keys and the channels it may speak for.
type signingKey struct {
	public       *rsa.PublicKey
	endorsements []string
}

// keyRing keeps the Connector's signing keys. One caller at a time reads them;
// while it does, the others go on with the keys there are.
type keyRing struct {
	metadataURL string
	issuer      string
	http        *http.Client
	now         func() time.Time
	log         *slog.Logger
	turn        chan struct{} // held by the one who reads

	mu        sync.RWMutex
	keys      map[string]signingKey
	readAt    time.Time
	failedAt  time.Time
	unknownAt time.Time // when an unknown key last caused a reading
}

// errUnknownKey: the keys are fresh enough, and this one is not among them.
var errUnknownKey = errors.New("the signing key is unknown")

// key finds a key, reading the keys first where that is due and allowed.
func (r *keyRing) key(ctx context.Context, kid string) (signingKey, error) {
	if k, ok := r.have(kid); ok && !r.old() {
		return k, nil
	}
	err := r.read(ctx, kid)
	if k, ok := r.have(kid); ok {
		return k, nil // fresh, or an old one that still serves while reading fails
	}
	if err == nil {
		err = errUnknownKey
	}
	return signingKey{}, err
}

func (r *keyRing) have(kid string) (signingKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.keys[kid]
	return k, ok
}

func (r *keyRing) old() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.now().Sub(r.readAt) > keysMaxAge
}

// read reads the keys if nobody else does. Whoever has a key, though an old one,
// does not wait.
func (r *keyRing) read(ctx context.Context, kid string) error {
	_, known := r.have(kid)
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	default:
		if known {
			return nil
		}
		select {
		case r.turn <- struct{}{}:
			defer func() { <-r.turn }()
		case <-ctx.Done():
			return fmt.Errorf("waiting for the signing keys: %w", ctx.Err())
		}
	}
	due, err := r.due(kid)
	if !due {
		return err
	}
	// The reading serves everybody, so it does not end when this caller goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysTimeout)
	defer cancel()
	keys, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failedAt = r.now()
		r.log.ErrorContext(ctx, "the Bot Connector's signing keys cannot be read; known keys are used on", "cause", err)
		return err
	}
	if !r.readAt.IsZero() && r.now().Sub(r.readAt) <= keysMaxAge {
		r.unknownAt = r.now()
	}
	r.keys, r.readAt, r.failedAt = keys, r.now(), time.Time{}
	return nil
}

// due decides, in the reader's turn, whether the keys are to be read. When they are
// not, the error tells a key that cannot be looked for now from one that does not
// exist.
func (r *keyRing) due(kid string) (bool, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := r.now()
	_, known := r.keys[kid]
	switch {
	case !r.failedAt.IsZero() && now.Sub(r.failedAt) < failedKeysPause:
		return false, errors.New("the signing keys could not be read a moment ago")
	case now.Sub(r.readAt) > keysMaxAge:
		return true, nil
	case known:
		return false, nil // somebody read them while we waited
	case now.Sub(r.unknownAt) < unknownKeyEvery:
		return false, errUnknownKey
	}
	return true, nil
}

// fetch reads the metadata and the keys it points at. The metadata's issuer is not
// the host it lives on, which is why no stock discovery client is used (protocol B.1).
func (r *keyRing) fetch(ctx context.Context) (map[string]signingKey, error) {
	var meta struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := r.get(ctx, r.metadataURL, &meta); err != nil {
		return nil, err
	}
	if meta.Issuer != r.issuer {
		return nil, fmt.Errorf("the metadata at %s is of issuer %q, not %q", r.metadataURL, meta.Issuer, r.issuer)
	}
	if err := secure(meta.JWKSURI); err != nil {
		return nil, fmt.Errorf("the metadata's key address: %w", err)
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := r.get(ctx, meta.JWKSURI, &set); err != nil {
		return nil, err
	}
	keys := map[string]signingKey{}
	for _, k := range set.Keys {
		if public, err := k.rsa(); err == nil {
			keys[k.Kid] = signingKey{public, k.Endorsements}
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("there is no usable key at %s", meta.JWKSURI)
	}
	return keys, nil
}

func (r *keyRing) get(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", from, err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", from, err)
	}
	defer func() { _ = resp.Body.Close() }() // read only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", from, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeysBody))
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	return nil
}

// secure refuses addresses from which somebody in between could hand us keys:
// plain http is for loopback only.
func secure(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not a complete address", address)
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q is not https", address)
}

type jwk struct {
	Kty          string   `json:"kty"`
	Use          string   `json:"use"`
	Kid          string   `json:"kid"`
	N            string   `json:"n"`
	E            string   `json:"e"`
	Endorsements []string `json:"endorsements"`
}

// minKeyBits is what RS256 demands (RFC 7518, section 3.3).
const minKeyBits = 2048

func (k jwk) rsa() (*rsa.PublicKey, error) {
	if k.Kty != "RSA" || k.Use != "" && k.Use != "sig" || k.Kid == "" {
		return nil, errors.New("not a key for RSA signatures")
	}
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("not a readable RSA key")
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if public.N.BitLen() < minKeyBits || public.E < 3 || public.E%2 == 0 {
		return nil, errors.New("a weak RSA key")
	}
	return public, nil
}
