package admin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/web/frame"
)

// KeysPage is a person's own API keys, or everybody's for an admin.
type KeysPage struct {
	frame.Page
	Keys    []broadcast.Key
	Name    string // what they typed
	Problem string
	Secret  string // of the key just made: shown now and never again
	URL     string
}

// ListKeys shows the keys somebody may see.
func (d *Door) ListKeys(c *gin.Context, a broadcast.Actor) error {
	return d.showKeys(c, a, http.StatusOK, KeysPage{})
}

func (d *Door) showKeys(c *gin.Context, a broadcast.Actor, status int, p KeysPage) error {
	keys, err := d.keys.List(c.Request.Context(), a)
	if err != nil {
		return err
	}
	p.Page = d.Page(c, "API keys", "keys")
	p.Keys, p.URL = keys, d.url
	d.Render(c, status, "keys", p)
	return nil
}

// CreateKey answers with the page itself, not a redirect: the secret is in no
// address, no session and no database, so this answer is the only place for it.
func (d *Door) CreateKey(c *gin.Context, a broadcast.Actor) error {
	if err := frame.ParseForm(c); err != nil {
		return err
	}
	name := c.Request.PostForm.Get("name")
	secret, key, err := d.keys.Create(c.Request.Context(), a, name)
	if e := broadcast.AsError(err); e != nil && e.Field == "name" {
		return d.showKeys(c, a, e.Code.HTTPStatus(), KeysPage{Name: name, Problem: e.Message})
	}
	if err != nil {
		return err
	}
	return d.showKeys(c, a, http.StatusCreated, KeysPage{Name: key.Name, Secret: secret})
}

// RevokeKey ends a key.
func (d *Door) RevokeKey(c *gin.Context, a broadcast.Actor) error {
	if err := d.keys.Revoke(c.Request.Context(), a, broadcast.ID(c.Param("id"))); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/keys?said=revoked")
	return nil
}
