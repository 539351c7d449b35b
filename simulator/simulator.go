package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare/fanfare/simulator/internal/bot"
	"github.com/fanfare/fanfare/simulator/internal/connector"
	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/entra"
	"github.com/fanfare/fanfare/simulator/internal/graphapi"
	"github.com/fanfare/fanfare/simulator/internal/keys"
	"github.com/fanfare/fanfare/simulator/internal/meter"
	"github.com/fanfare/fanfare/simulator/internal/tenant"
	"github.com/fanfare/fanfare/simulator/internal/world"
	"github.com/fanfare/fanfare/simulator/window"
)

// Simulator is the painted Microsoft. It owns the goroutines that send events
// to the bot; Close ends them.
type Simulator struct {
	world     *world.World
	bot       *bot.Sender
	entra     *entra.Handler
	graph     *graphapi.Handler
	connector *connector.Handler
	control   http.Handler
	window    http.Handler
	authority *authority
	closing   chan struct{}
	closed    sync.Once
	outages   atomic.Int64
}

// New builds a simulator. It answers at once; events go nowhere until a bot
// endpoint is set.
func New(o Options) (*Simulator, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	o = o.filled()
	closing := make(chan struct{})
	w, err := newWorld(o, closing)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	ca, err := newAuthority(o.Now())
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	s := &Simulator{world: w, authority: ca, bot: bot.New(w, addresses(o.BotEndpoint)), closing: closing}
	s.entra, s.graph, s.connector = entra.New(w), graphapi.New(w, s.bot), connector.New(w)
	s.control, s.window = s.controls(), window.Handler()
	return s, nil
}

func newWorld(o Options, closing <-chan struct{}) (*world.World, error) {
	d := dials.Default()
	d.ConnectorRate, d.GraphInstallRate = o.ConnectorRate, o.GraphInstallRate
	if o.GraphInstallRate == 0 {
		d.GraphResourceUnits = 0
	}
	d.EventDelayMS = int(o.EventDelay / time.Millisecond)
	w := &world.World{
		Dials: dials.NewStore(d, o.Seed, tenant.Number, o.Now), Meter: &meter.Meter{}, Seed: uint64(o.Seed), Clock: o.Now, Log: o.Log,
		Closing: closing,
		Clients: world.Clients{
			BotID: o.BotID, BotSecret: o.ClientSecret, SignInID: DefaultSignInClientID, SignInSecret: DefaultSignInSecret,
		},
	}
	w.Tenant = tenant.New(tenant.Identity{
		TenantID: o.TenantID, BotID: o.BotID, ManifestID: o.ManifestID, TeamsAppID: DefaultTeamsAppID,
	}, o.People, w.Dials, w.Now)
	w.SetPublicURL(o.PublicURL)
	var err error
	if w.Entra, err = keys.NewRing("entra"); err != nil {
		return nil, err
	}
	w.Bot, err = keys.NewRing("bot")
	return w, err
}

// ServeHTTP sends each request to the service whose address it is.
func (s *Simulator) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case connector.Addressed(path):
		s.connector.ServeHTTP(rw, r)
	case strings.HasPrefix(path, "/v1.0/"):
		s.graph.ServeHTTP(rw, r)
	case strings.HasPrefix(path, "/_simulator/"):
		s.control.ServeHTTP(rw, r)
	case path == "/teams", strings.HasPrefix(path, "/teams/"):
		s.window.ServeHTTP(rw, r)
	case strings.HasPrefix(path, "/pictures/"):
		picture(rw, r)
	case path == "/":
		http.Redirect(rw, r, "/teams", http.StatusFound)
	default:
		s.entra.ServeHTTP(rw, r)
	}
}

// SetBotEndpoint says where activities are posted. Several addresses take turns,
// as replicas behind one name; one that refuses the connection is passed over.
func (s *Simulator) SetBotEndpoint(urls ...string) { s.bot.SetEndpoints(urls) }

func addresses(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// SetPublicURL says at which https address the simulator is reached.
func (s *Simulator) SetPublicURL(url string) { s.world.SetPublicURL(url) }

// Dials returns a copy of the dials as they are now.
func (s *Simulator) Dials() Dials { return s.world.Dials.Dials() }

// SetDials turns dials. A key generation that was raised takes effect before it
// returns.
func (s *Simulator) SetDials(change func(*Dials)) {
	s.world.Dials.Set(change)
	generation := s.world.Dials.Now().KeyGeneration
	for _, ring := range []*keys.Ring{s.world.Entra, s.world.Bot} {
		if err := ring.Rotate(generation); err != nil {
			s.world.Log.Error("signing key could not be rotated", "error", err)
		}
	}
}

// CACertPEM is the certificate to trust.
func (s *Simulator) CACertPEM() []byte { return s.authority.pem }

// Close stops sending events and waits until nothing of it runs any more.
func (s *Simulator) Close() error {
	s.closed.Do(func() {
		close(s.closing)
		s.bot.Close()
	})
	return nil
}
