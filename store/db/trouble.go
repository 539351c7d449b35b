package db

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// ErrFull is that the database has no space left to store anything; what is there
// can still be read. Nothing of the failed transaction was stored.
var ErrFull = errors.New("the database is full")

// Unreachable tells whether an error means that the database could not be asked:
// it is away, restarting, shutting down, cut off, or silent for as long as we wait. What a commit that failed so
// had stored is unknown.
func Unreachable(err error) bool {
	var refused *pgconn.ConnectError
	var network *net.OpError
	var e *pgconn.PgError
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &e):
		// 08: connection; 57P: shutting down, crashed, starting; 53300: no connection left.
		return strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57P") || e.Code == "53300"
	}
	return errors.As(err, &refused) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "conn closed") // pgx has no value for it
}

// full tells whether an error means that there is no space.
func full(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code == "53100"
	}
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, syscall.ENOSPC)
}

// fullFor is how long a full database is reported after the last write that found
// it so: whatever was refused is tried again well within it.
const fullFor = 15 * time.Second

// trouble remembers when the database was last found full.
type trouble struct{ full atomic.Int64 }

// mark makes an error that means a full disk ErrFull.
func (d *DB) mark(err error) error {
	if err == nil || !full(err) || errors.Is(err, ErrFull) {
		return err
	}
	d.trouble.full.Store(time.Now().UnixMilli())
	return errors.Join(ErrFull, err)
}

// isFull tells whether writing failed a short while ago for want of space.
func (d *DB) isFull() bool {
	return time.Since(time.UnixMilli(d.trouble.full.Load())) < fullFor
}
