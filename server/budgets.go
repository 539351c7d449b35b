package server

import (
	"context"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/teams"
)

// budgets are the tenant-wide allowances this replica draws on: one for every call
// to the Connector (protocol E.1), one for installing. Whoever is installed or looked at costs at
// most one call of each of Graph's families, whose allowances are at least as wide
// (protocol F.7): so one wait per person keeps all of them.
type budgets struct{ connector, install *budget.Budget }

func newBudgets(leases budget.Leases, c Config) budgets {
	return budgets{budget.New(leases, budget.Connector, c.ConnectorRate), budget.New(leases, budget.Install, c.InstallRate)}
}

func (b budgets) all() []*budget.Budget { return []*budget.Budget{b.connector, b.install} }

// hear tells every budget of a pause another replica asked for.
func (b budgets) hear(family string, d time.Duration) {
	for _, one := range b.all() {
		one.Hear(family, d)
	}
}

// speaker answers people within the allowance all calls to the Connector share.
// Whoever waits for an answer goes before the broadcasts.
type speaker struct {
	*teams.Client
	turn budget.Share
}

// Reply posts a short Markdown text when its turn has come.
func (s speaker) Reply(ctx context.Context, to broadcast.ConversationReference, text string) error {
	if err := s.turn.Wait(ctx); err != nil {
		return err
	}
	return s.Client.Reply(ctx, to, text)
}

func (b budgets) speaker(c *teams.Client) speaker {
	return speaker{c, b.connector.For(budget.Flow{Key: "replies", Priority: broadcast.PriorityUrgent})}
}
