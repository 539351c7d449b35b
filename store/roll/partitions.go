package roll

import (
	"context"
	"fmt"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
)

// monthsAhead is for how many months there are partitions besides this one's: so
// long may nobody clean, and the database be too busy for a lock.
const monthsAhead = 2

// A partition is made beside the table and then attached: so only the partition for
// everything else is locked against others, which is empty and scanned at once.
// What stands in its way may stay, because that partition takes in what has none:
// somebody else makes it, what there was before reaches into the month, somebody
// holds the lock, or rows of the month are there already.
const makePartition = `DO $$ BEGIN
	PERFORM set_config('lock_timeout', '2s', TRUE);
	IF to_regclass('%[1]s') IS NULL THEN
		CREATE TABLE %[1]s (LIKE deliveries INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
			WITH (fillfactor = 45, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
		ALTER TABLE deliveries ATTACH PARTITION %[1]s FOR VALUES FROM ('%[2]s') TO ('%[3]s');
	END IF;
EXCEPTION WHEN duplicate_table OR unique_violation OR invalid_object_definition OR lock_not_available OR check_violation THEN NULL;
END $$`

// MakePartitions makes the partitions of PostgreSQL's deliveries for this month and
// the two after it. Price: a look at the catalogue; once a month a table.
func MakePartitions(ctx context.Context, d *db.DB) error {
	if !d.Postgres() {
		return nil
	}
	now := d.Now().UTC()
	for i := range monthsAhead + 1 {
		month := time.Date(now.Year(), now.Month()+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
		stmt := fmt.Sprintf(makePartition, "deliveries_"+month.Format("2006_01"), bound(month), bound(month.AddDate(0, 1, 0)))
		if _, err := d.Alone(ctx).Exec(stmt, nil); err != nil {
			return fmt.Errorf("partition of deliveries for %s: %w", month.Format("2006-01"), err)
		}
	}
	return nil
}

// bound is where the IDs of broadcasts created from a time on begin.
func bound(t time.Time) string { return string(broadcast.NewID(t))[:len("01890a5d-ac96")] }

// Analyze has PostgreSQL look at what a list has made grow (db.Analyze): only the
// partition it is in, because those of old broadcasts have not changed.
func Analyze(ctx context.Context, d *db.DB, id broadcast.ID) {
	if !d.Postgres() {
		return
	}
	var partition string
	if _, err := d.Read(ctx).Scan(&partition, `SELECT tableoid::regclass::text FROM deliveries WHERE tenant_id = @tenant AND broadcast_id = @id LIMIT 1`, db.Args{"id": string(id)}); err == nil && partition != "" {
		d.Analyze(ctx, partition, "chunks", "installations")
	}
}
