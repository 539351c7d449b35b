package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/api"
	"github.com/fanfare/fanfare/auth"
	"github.com/fanfare/fanfare/web"
)

// routes puts both doors behind one handler. Cross-origin posts from browsers
// end here, before any handler; machines send no Origin and pass.
func routes(machines *api.Door, pages *web.Door, people *auth.Web) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.MaxMultipartMemory = 1 << 20
	r.RedirectTrailingSlash = false
	_ = r.SetTrustedProxies(nil) // nobody's X-Forwarded-For is believed; cannot fail for nil
	machines.Routes(r)
	pages.Routes(r)
	r.NoRoute(either(machines.NotFound, pages.NotFound))
	r.NoMethod(either(machines.NoMethod, pages.NoMethod))
	return http.NewCrossOriginProtection().Handler(r)
}

func either(machine, page gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if api.Owns(c.Request.URL.Path) {
			machine(c)
			return
		}
		page(c)
	}
}
