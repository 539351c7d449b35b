package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresFast runs statements on the pgx connection under a transaction's.
type postgresFast struct{ conn *sql.Conn }

func (p postgresFast) run(ctx context.Context, stmt string, args []any, each func(Row)) (n int64, err error) {
	err = p.conn.Raw(func(driver any) error {
		rows, err := driver.(*stdlib.Conn).Conn().Query(ctx, stmt, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		row := &postgresRow{rows: rows}
		for rows.Next() {
			if row.values = rows.RawValues(); each != nil {
				each(row)
			}
		}
		n = rows.CommandTag().RowsAffected()
		return rows.Err()
	})
	return n, err
}

func postgresEach(stmt string, n int, columns string) string {
	return strings.Replace(stmt, "@rows", postgresUnpack(n, columns), 1)
}

func (p postgresFast) many(ctx context.Context, stmt string, args, columns []any) (int64, error) {
	return p.run(ctx, stmt, append(args, columns...), nil)
}

// postgresRow reads values as they came over the wire: binary, or text where the
// DSN asks for the simple protocol.
type postgresRow struct {
	rows   pgx.Rows
	values [][]byte
}

func (r *postgresRow) binary(column int) bool {
	return r.rows.FieldDescriptions()[column].Format == pgx.BinaryFormatCode
}

func (r *postgresRow) Text(column int) string { return string(r.values[column]) }

func (r *postgresRow) Bool(column int) bool {
	v := r.values[column]
	return len(v) == 1 && (v[0] == 1 || v[0] == 't')
}

func (r *postgresRow) Int(column int) int64 {
	v := r.values[column]
	if len(v) == 8 && r.binary(column) {
		return int64(binary.BigEndian.Uint64(v))
	}
	n, _ := strconv.ParseInt(string(v), 10, 64) // NULL is 0; every column read so is a bigint
	return n
}

// postgresUnpack takes each column as an array.
func postgresUnpack(n int, columns string) string {
	var arrays, names []string
	for i, column := range strings.Split(columns, ", ") {
		name, kind, _ := strings.Cut(column, " ")
		names = append(names, name)
		arrays = append(arrays, fmt.Sprintf("CAST($%d AS %s[])", n+i, kind))
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS r(" + strings.Join(names, ", ") + ")"
}
