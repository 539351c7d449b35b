package teams

import (
	"errors"
	"testing"

	"github.com/fanfare/fanfare/simulator"
)

func TestForgedDeliveriesAreRefused(t *testing.T) {
	t.Parallel()
	for spoiled, want := range map[string]error{ // protocol K.7
		"":               nil,
		"wrong_aud":      ErrUnauthenticated,
		"wrong_iss":      ErrUnauthenticated,
		"expired":        ErrUnauthenticated,
		"future":         ErrUnauthenticated,
		"serviceurl":     ErrForbidden,
		"no_endorsement": ErrForbidden,
		"alg_none":       ErrUnauthenticated,
		"hs256":          ErrUnauthenticated,
		"missing":        ErrUnauthenticated,
		"graph_token":    ErrUnauthenticated,
	} {
		t.Run("token "+spoiled, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.person(3)
			p.installed()
			w.sim.SetDials(func(d *simulator.Dials) { d.BotToken = spoiled })
			p.does("say", map[string]string{"text": "why"})
			if d := p.next(Said); !errors.Is(d.err, want) || d.activity.Command() != "why" {
				t.Errorf("got %v, want %v", d.err, want)
			}
		})
	}
}

func TestDeliveriesGoOnWhenMicrosoftRotatesItsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person(2)
	p.installed()
	w.sim.SetDials(func(d *simulator.Dials) { d.KeyGeneration++ })
	p.does("say", map[string]string{"text": "help"})
	if d := p.next(Said); d.err != nil {
		t.Error(d.err)
	}
}
