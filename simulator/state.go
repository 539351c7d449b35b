package simulator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// SaveState writes installations, chats, counters and directory changes to a
// file, so that a demo that is stopped and started again goes on where it was.
// The file is replaced as a whole or not at all. Dials are not part of it.
func (s *Simulator) SaveState(path string) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	if err := errors.Join(s.world.Tenant.Save(file), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("simulator: %w", err), os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	return nil
}

// LoadState reads what SaveState wrote; a file that does not exist is the
// beginning. Call it before anything is served.
func (s *Simulator) LoadState(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	defer func() { _ = file.Close() }()
	return s.world.Tenant.Load(file)
}
