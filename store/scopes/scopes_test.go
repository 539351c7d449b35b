package scopes_test

import (
	"os"
	"testing"

	"github.com/fanfare/fanfare/store/scopes"
	"github.com/fanfare/fanfare/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// What the room promises is tested where it is used: package scope.
func TestLawRowTypesAreTheMigratedColumns(t *testing.T) {
	t.Parallel()
	storetest.RowsAreTables(t, scopes.Tables(), storetest.Scopes()...)
}
