package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// bits is the smallest size that clients accept.
const bits = 2048

// pool makes each key once per process: a suite starts many simulators, and a
// key costs a tenth of a second.
var pool struct {
	mu   sync.Mutex
	keys map[string]*rsa.PrivateKey
}

func fromPool(name string) (*rsa.PrivateKey, error) {
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if k := pool.keys[name]; k != nil {
		return k, nil
	}
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	if pool.keys == nil {
		pool.keys = map[string]*rsa.PrivateKey{}
	}
	pool.keys[name] = k
	return k, nil
}

// Ring is one signing key at a time.
type Ring struct {
	name string

	mu         sync.RWMutex
	generation int
	key        *rsa.PrivateKey
	thumb      string
}

// NewRing returns a ring with its first key.
func NewRing(name string) (*Ring, error) {
	r := &Ring{name: name, generation: -1}
	return r, r.Rotate(0)
}

// Rotate replaces the key by that of another generation; the old one is gone
// from the published set at once.
func (r *Ring) Rotate(generation int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if generation == r.generation {
		return nil
	}
	key, err := fromPool(fmt.Sprintf("%s-%d", r.name, generation))
	if err != nil {
		return err
	}
	r.key, r.generation, r.thumb = key, generation, thumbprint(key)
	return nil
}

// thumbprint is 20 bytes, as clients expect of an x5t; Entra uses it as the key's
// ID too.
func thumbprint(key *rsa.PrivateKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

func (r *Ring) current() (*rsa.PrivateKey, string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.key, r.thumb
}

// ID is the present key's ID.
func (r *Ring) ID() string { _, kid := r.current(); return kid }

// Sign returns a token signed with the present key, under its own ID or, if
// kid is not empty, that one.
func (r *Ring) Sign(claims jwt.MapClaims, kid string) (string, error) {
	key, own := r.current()
	if kid == "" {
		kid = own
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"], token.Header["x5t"] = kid, own
	return token.SignedString(key)
}

// Verify checks signature and algorithm (not time, issuer or audience) and
// returns the claims.
func (r *Ring) Verify(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		key, kid := r.current()
		if t.Header["kid"] != kid {
			return nil, jwt.ErrTokenUnverifiable
		}
		return &key.PublicKey, nil
	})
	return claims, err
}

// JWK is a published key.
type JWK struct {
	KeyType      string   `json:"kty"`
	Use          string   `json:"use"`
	KeyID        string   `json:"kid"`
	Thumbprint   string   `json:"x5t"`
	N            string   `json:"n"`
	E            string   `json:"e"`
	Endorsements []string `json:"endorsements,omitempty"`
}

// Publish returns the public half, under its own ID or that one.
func (r *Ring) Publish(kid string, endorsements ...string) JWK {
	key, own := r.current()
	if kid == "" {
		kid = own
	}
	enc := base64.RawURLEncoding
	return JWK{
		KeyType: "RSA", Use: "sig", KeyID: kid, Thumbprint: own, Endorsements: endorsements,
		N: enc.EncodeToString(key.N.Bytes()), E: enc.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}
