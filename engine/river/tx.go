package river

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// errLedgers is what River gets if it should ever want to end or nest the ledger's
// transaction: that is not its to do.
var errLedgers = errors.New("engine: the transaction belongs to the ledger")

// borrowedTx shows River the transaction database/sql has opened on a pgx
// connection: pgx has no handle for one that it did not begin itself.
type borrowedTx struct{ conn *pgx.Conn }

var _ pgx.Tx = borrowedTx{}

// openTx finds the open transaction behind a database/sql driver connection.
func openTx(driverConn any) (pgx.Tx, error) {
	c, ok := driverConn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("engine: River needs a pgx connection, not %T", driverConn)
	}
	// Outside a transaction the jobs would be committed one by one, whatever becomes
	// of the ledger: 'T' is PostgreSQL's word for "in a transaction".
	if s := c.Conn().PgConn().TxStatus(); s != 'T' {
		return nil, fmt.Errorf("engine: no transaction is open on the connection (status %c)", s)
	}
	return borrowedTx{c.Conn()}, nil
}

func (t borrowedTx) Begin(context.Context) (pgx.Tx, error) { return nil, errLedgers }
func (t borrowedTx) Commit(context.Context) error          { return errLedgers }
func (t borrowedTx) Rollback(context.Context) error        { return errLedgers }
func (t borrowedTx) Conn() *pgx.Conn                       { return t.conn }
func (t borrowedTx) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }

func (t borrowedTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

func (t borrowedTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

func (t borrowedTx) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, query)
}

func (t borrowedTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, query, args...)
}

func (t borrowedTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, query, args...)
}

func (t borrowedTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, query, args...)
}
