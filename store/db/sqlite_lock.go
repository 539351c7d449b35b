package db

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
)

// errLocked is that another process holds a file's lock.
var errLocked = errors.New("locked by another process")

// inUse is that another process of ours holds a file, which is as it should be while
// that one serves.
type inUse struct{ error }

// InUse tells it apart.
func (inUse) InUse() bool { return true }

// sqliteFiles are the files this process has open, each with its lock and how often.
var sqliteFiles = struct {
	sync.Mutex
	held map[string]*heldFile
}{held: map[string]*heldFile{}}

type heldFile struct {
	path      string
	lock      io.Closer
	times     int
	migrating sync.Mutex // one handle builds the schema, the others wait for it
}

// holdFile keeps every other process away from a SQLite file, by a lock on a file
// beside it that ends with this process, however that ends. Two would each work
// what is due, and one's leases say nothing of the other's death. first is false
// when this process has the file open already.
func holdFile(file string) (held *heldFile, first bool, err error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, false, fmt.Errorf("store: the SQLite file %s: %w", file, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	sqliteFiles.Lock()
	defer sqliteFiles.Unlock()
	held = sqliteFiles.held[path]
	if first = held == nil; first {
		lock, err := lockFile(path + "-lock")
		if errors.Is(err, errLocked) {
			return nil, false, inUse{fmt.Errorf("store: another Fanfare process has the SQLite file %s open. A file serves one process: stop the other one, or use PostgreSQL to run several", file)}
		}
		if err != nil {
			return nil, false, fmt.Errorf("store: the SQLite file %s cannot be opened, because the lock beside it cannot: %w", file, err)
		}
		held = &heldFile{path: path, lock: lock}
		sqliteFiles.held[path] = held
	}
	held.times++
	return held, first, nil
}

// release lets go of a file; the last handle's gives it to other processes.
func (h *heldFile) release() error {
	sqliteFiles.Lock()
	defer sqliteFiles.Unlock()
	if h.times--; h.times > 0 {
		return nil
	}
	delete(sqliteFiles.held, h.path)
	return h.lock.Close()
}
