package auth

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare/fanfare/broadcast"
)

// claims is what we read of an ID token; everything else is ignored (protocol H.1).
type claims struct {
	Issuer   string   `json:"iss"`
	TenantID string   `json:"tid"`
	ObjectID string   `json:"oid"`
	Name     string   `json:"name"`
	UPN      string   `json:"preferred_username"` // to be shown only: it can change hands
	Nonce    string   `json:"nonce"`
	Roles    []string `json:"roles"` // absent when the person has none
}

// check is what the library leaves to us: issuer, tenant, nonce and a usable identity.
func (c claims) check(issuer, tenant, nonce string) error {
	switch {
	case c.Issuer != issuer || !strings.EqualFold(c.TenantID, tenant):
		return fmt.Errorf("%w: issuer %q, tid %q", errForeignTenant, c.Issuer, c.TenantID)
	case nonce == "" || subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(nonce)) != 1:
		return errors.New("id token: the nonce is not the one we sent")
	case c.ObjectID == "":
		return errors.New("id token: no oid")
	}
	return nil
}

var errForeignTenant = errors.New("id token of another tenant")

// appRoles are the app roles of Fanfare's app registration, in the order shown.
var appRoles = []struct {
	Value string
	Role  broadcast.Role
}{
	{"Broadcast.Author", broadcast.RoleAuthor},
	{"Broadcast.Approver", broadcast.RoleApprover},
	{"Broadcast.Admin", broadcast.RoleAdmin},
	{"Broadcast.Auditor", broadcast.RoleAuditor},
}

// AppRoles lists the values of the app roles, as the app registration names them.
func AppRoles() []string {
	out := make([]string, len(appRoles))
	for i, r := range appRoles {
		out[i] = r.Value
	}
	return out
}

// actor is the person in the house's words. App roles we do not know say nothing.
func (c claims) actor() broadcast.Actor {
	a := broadcast.Actor{ActorRef: broadcast.ActorRef{ID: broadcast.EntraID(strings.ToLower(c.ObjectID)), Name: c.Name}}
	if a.Name == "" {
		a.Name = c.UPN
	}
	for _, r := range appRoles {
		if slices.Contains(c.Roles, r.Value) {
			a.Roles = append(a.Roles, r.Role)
		}
	}
	return a
}
