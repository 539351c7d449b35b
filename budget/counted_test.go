package budget_test

import (
	"context"
	"sync/atomic"

	"github.com/fanfare/fanfare/budget"
	"github.com/fanfare/fanfare/pace"
)

// counted counts the statements that budgets cost.
type counted struct {
	budget.Leases
	statements *atomic.Int64
}

func (c counted) LeaseBudget(ctx context.Context, ask pace.SlotAsk) (pace.Slots, error) {
	c.statements.Add(1)
	return c.Leases.LeaseBudget(ctx, ask)
}

func (c counted) ReturnBudget(ctx context.Context, family string, first, end int64) (bool, error) {
	c.statements.Add(1)
	return c.Leases.ReturnBudget(ctx, family, first, end)
}

func (c counted) PauseBudget(ctx context.Context, family string, ask pace.PauseAsk) (pace.Strain, error) {
	c.statements.Add(4) // begin, the row, the pause, commit
	return c.Leases.PauseBudget(ctx, family, ask)
}

func (c counted) ReadBudget(ctx context.Context, family string) (pace.Strain, error) {
	c.statements.Add(1)
	return c.Leases.ReadBudget(ctx, family)
}
