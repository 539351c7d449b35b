package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// keysPage is a person's own API keys, or everybody's for an admin.
type keysPage struct {
	frame
	Keys    []broadcast.Key
	Name    string // what they typed
	Problem string
	Secret  string // of the key just made: shown now and never again
	URL     string
}

func (d *Door) listKeys(c *gin.Context, a broadcast.Actor) error {
	return d.showKeys(c, a, http.StatusOK, keysPage{})
}

func (d *Door) showKeys(c *gin.Context, a broadcast.Actor, status int, p keysPage) error {
	keys, err := d.o.Keys.List(c.Request.Context(), a)
	if err != nil {
		return err
	}
	p.frame = d.frame(c, "API keys", "keys")
	p.Keys, p.URL = keys, d.o.PublicURL
	d.render(c, status, "keys", p)
	return nil
}

// createKey answers with the page itself, not a redirect: the secret is in no
// address, no session and no database, so this answer is the only place for it.
func (d *Door) createKey(c *gin.Context, a broadcast.Actor) error {
	if err := parseForm(c); err != nil {
		return err
	}
	name := c.Request.PostForm.Get("name")
	secret, key, err := d.o.Keys.Create(c.Request.Context(), a, name)
	if e := broadcast.AsError(err); e != nil && e.Field == "name" {
		return d.showKeys(c, a, e.Code.HTTPStatus(), keysPage{Name: name, Problem: e.Message})
	}
	if err != nil {
		return err
	}
	return d.showKeys(c, a, http.StatusCreated, keysPage{Name: key.Name, Secret: secret})
}

func (d *Door) revokeKey(c *gin.Context, a broadcast.Actor) error {
	if err := d.o.Keys.Revoke(c.Request.Context(), a, broadcast.ID(c.Param("id"))); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/keys?said=revoked")
	return nil
}
