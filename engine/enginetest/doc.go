// Package enginetest is the suite every engine must pass: what the rest of the house
// relies on when it hands a piece of work over. Only tests import it.
package enginetest
