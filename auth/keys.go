package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// KeyStore remembers API keys, never their secrets.
type KeyStore interface {
	SaveKey(ctx context.Context, k broadcast.Key) error
	// KeyByHash finds a key that is not revoked and whose owner's account is not known
	// to be closed; *broadcast.Error NotFound if there is none.
	KeyByHash(ctx context.Context, hash string) (broadcast.Key, error)
	// Keys lists an owner's keys, everybody's for "", revoked ones too.
	Keys(ctx context.Context, owner broadcast.EntraID) ([]broadcast.Key, error)
	// RevokeKey ends one of the owner's keys, anybody's for ""; *broadcast.Error NotFound
	// if it is not theirs.
	RevokeKey(ctx context.Context, owner broadcast.EntraID, id broadcast.ID, at time.Time) error
	TouchKey(ctx context.Context, id broadcast.ID, at time.Time) error
}

// Keys lets machines act for the people who made them a key.
type Keys struct {
	store KeyStore
	now   func() time.Time
	log   *slog.Logger
}

// NewKeys makes the doorman for machines.
func NewKeys(store KeyStore, now func() time.Time, log *slog.Logger) *Keys {
	return &Keys{store: store, now: now, log: log}
}

const (
	maxKeyName  = 80
	secretBytes = 32          // 43 characters of base64url: nothing to guess, so a plain hash is enough
	touchKeys   = time.Hour   // how often a busy key costs a write
	keyPrefix   = "ff_"       // lets secret scanners and people recognise one
	maxHeader   = 4 * 1 << 10 // longer is no key of ours
)

// Create makes a key with the roles its owner holds now. The secret is returned
// once and kept nowhere: only its SHA-256 is stored.
func (k *Keys) Create(ctx context.Context, owner broadcast.Actor, name string) (secret string, key broadcast.Key, err error) {
	name = strings.Join(strings.Fields(name), " ")
	bad := func(sentence string) error {
		return &broadcast.Error{Code: broadcast.Invalid, Field: "name", Message: sentence}
	}
	switch {
	case len(owner.Roles) == 0 || owner.Has(broadcast.RoleEngine):
		return "", key, broadcast.Errorf(broadcast.Forbidden, "Only people with a role in Fanfare can make an API key.")
	case name == "":
		return "", key, bad("Give the key a name, so that you know later what uses it.")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxKeyName:
		return "", key, bad(fmt.Sprintf("The name must be plain text of at most %d characters.", maxKeyName))
	}
	now := k.now()
	id := broadcast.NewID(now)
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	secret = keyPrefix + string(id) + "_" + base64.RawURLEncoding.EncodeToString(raw)
	key = broadcast.Key{ID: id, Name: name, Hash: hashOf(secret), Owner: owner.ActorRef, Roles: owner.Roles, CreatedAt: now}
	if err := k.store.SaveKey(ctx, key); err != nil {
		return "", broadcast.Key{}, err
	}
	k.log.InfoContext(ctx, "API key made", "key", id, "person", owner.ID)
	return secret, key, nil
}

// List is the keys somebody may revoke, revoked ones too.
func (k *Keys) List(ctx context.Context, a broadcast.Actor) ([]broadcast.Key, error) {
	return k.store.Keys(ctx, whose(a))
}

// Revoke ends a key at once; *broadcast.Error NotFound if it is not the actor's.
func (k *Keys) Revoke(ctx context.Context, a broadcast.Actor, id broadcast.ID) error {
	if err := k.store.RevokeKey(ctx, whose(a), id, k.now()); err != nil {
		return err
	}
	k.log.InfoContext(ctx, "API key revoked", "key", id, "person", a.ID)
	return nil
}

// whose keys somebody may see and revoke: their own, an admin everybody's. A key
// keeps the roles its owner had, so somebody else must be able to end it.
func whose(a broadcast.Actor) broadcast.EntraID {
	if a.Has(broadcast.RoleAdmin) {
		return ""
	}
	return a.ID
}

// Unauthenticated is a request by nobody we know; Message tells people what to do.
type Unauthenticated struct {
	Message string
	Missing bool // there was no key at all
}

func (e *Unauthenticated) Error() string { return e.Message }

var (
	errNoKey  = &Unauthenticated{Message: "This needs an API key. Make one in Fanfare under “API keys” and send it in the header Authorization: Bearer ff_…", Missing: true}
	errBadKey = &Unauthenticated{Message: "This API key is not known, was revoked, or its owner's account is closed. Make a new one in Fanfare under “API keys”."}
)

// Actor tells who an Authorization header speaks for: the key's owner, named so
// in the audit trail, with the roles stored with the key. The error is an
// *Unauthenticated, or internal. A wrong key of the right form costs the same
// hash and look-up as a right one.
func (k *Keys) Actor(ctx context.Context, header string) (broadcast.Actor, error) {
	secret, err := bearer(header)
	if err != nil {
		return broadcast.Actor{}, err
	}
	key, err := k.store.KeyByHash(ctx, hashOf(secret))
	if broadcast.IsCode(err, broadcast.NotFound) {
		return broadcast.Actor{}, errBadKey
	}
	if err != nil {
		return broadcast.Actor{}, err
	}
	named := strings.HasPrefix(secret, keyPrefix+string(key.ID)+"_")
	same := subtle.ConstantTimeCompare([]byte(key.Hash), []byte(hashOf(secret))) == 1
	if !named || !same || !key.RevokedAt.IsZero() || len(key.Roles) == 0 {
		return broadcast.Actor{}, errBadKey
	}
	k.touch(ctx, key)
	return broadcast.Actor{ActorRef: key.Owner, Roles: key.Roles}, nil
}

// touch notes the use of a key. A failure is no reason to turn somebody away.
func (k *Keys) touch(ctx context.Context, key broadcast.Key) {
	now := k.now()
	if now.Sub(key.LastUsedAt) < touchKeys {
		return
	}
	if err := k.store.TouchKey(ctx, key.ID, now); err != nil {
		k.log.WarnContext(ctx, "use of an API key could not be noted", "key", key.ID, "error", err)
	}
}

// bearer reads the secret out of the header; only the form is checked here.
func bearer(header string) (string, error) {
	if strings.TrimSpace(header) == "" {
		return "", errNoKey
	}
	scheme, secret, found := strings.Cut(header, " ")
	secret = strings.TrimSpace(secret)
	if !found || !strings.EqualFold(scheme, "Bearer") || len(header) > maxHeader {
		return "", errNoKey
	}
	const uuid = 36
	rest, ours := strings.CutPrefix(secret, keyPrefix)
	if !ours || len(rest) <= uuid || rest[uuid] != '_' {
		return "", errBadKey
	}
	if raw, err := base64.RawURLEncoding.DecodeString(rest[uuid+1:]); err != nil || len(raw) != secretBytes {
		return "", errBadKey
	}
	return secret, nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
