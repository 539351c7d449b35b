package graphapi

import (
	"slices"
	"testing"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

func TestEveryOperationCanBeStruck(t *testing.T) {
	t.Parallel()
	for _, r := range (&Handler{}).table() {
		if !slices.Contains(dials.Operations, r.op) {
			t.Errorf("%s is no operation of the dials", r.op)
		}
	}
	for op := range unitCosts {
		if !slices.Contains(dials.Operations, op) {
			t.Errorf("%s costs units but does not exist", op)
		}
	}
}
