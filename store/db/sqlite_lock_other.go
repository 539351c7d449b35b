//go:build !unix

package db

import (
	"errors"
	"io"
	"os"
)

// lockFile relies on the system refusing to remove a file that is open, as Windows
// does: what can be removed was left by a process that is gone.
func lockFile(path string) (io.Closer, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errLocked
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}
