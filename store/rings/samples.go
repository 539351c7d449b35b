package rings

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/rollout"
	"github.com/fanfare/fanfare/store/db"
)

// sampleRow is a row of rollout_samples.
type sampleRow struct {
	TenantID                                                string
	At                                                      int64
	Installed, Wanted, Refused, Removed, Blocked, Untouched int
	Reasons                                                 string
}

func (sampleRow) TableName() string { return "rollout_samples" }

func (r sampleRow) sample() rollout.Sample {
	c := rollout.Counts{Installed: r.Installed, Wanted: r.Wanted, Refused: r.Refused, Removed: r.Removed, Blocked: r.Blocked, Untouched: r.Untouched, Reasons: map[broadcast.Reason]int{}}
	_ = json.Unmarshal([]byte(r.Reasons), &c.Reasons) // what cannot be read is not shown
	return rollout.Sample{At: db.Moment(r.At), Counts: c}
}

// overlap is how much of the history before the last look is looked at again: what was
// dated then may have been committed only after it.
const overlap = 5_000 // milliseconds

// idleLook is how often it is counted while rings wait and nothing changes.
const idleLook = 60_000 // milliseconds

// TakeLook implements rollout.Samples. Price: four look-ups; a row is written only by
// whoever is to count.
func (s Rings) TakeLook(ctx context.Context, span time.Duration) (bool, error) {
	now := s.db.Now().UnixMilli()
	a := db.Args{"now": now, "overlap": overlap, "idle": now - idleLook}
	var due []int64
	if _, err := s.db.Read(ctx).Scan(&due, `SELECT o.look_from FROM rollouts o WHERE o.tenant_id = @tenant AND o.look_from <= @now AND (o.looked_at = 0
			OR COALESCE((SELECT m.at FROM installation_moves m WHERE m.tenant_id = @tenant ORDER BY m.at DESC LIMIT 1), 0) > o.looked_at - @overlap
			OR EXISTS (SELECT 1 FROM directory_cursors c WHERE c.tenant_id = @tenant AND c.finished_at > o.looked_at)
			OR o.state = 'running' AND EXISTS (SELECT 1 FROM rings g WHERE g.tenant_id = @tenant AND g.state = 'open' AND g.quiet_since > 0 AND g.quiet_since + g.settle <= @now )
			OR o.state = 'running' AND o.looked_at < @idle AND EXISTS (SELECT 1 FROM rings g WHERE g.tenant_id = @tenant AND g.state = 'waiting'))`, a); err != nil || len(due) == 0 {
		return false, err
	}
	a["was"], a["next"] = due[0], now+span.Milliseconds()
	n, err := s.db.Alone(ctx).Exec(`UPDATE rollouts SET looked_at = @now , look_from = @next WHERE tenant_id = @tenant AND look_from = @was AND look_from <= @now `, a)
	return n > 0, err
}

// thinning is from which age on only the last sample of each stretch is kept.
var thinning = []struct{ age, stretch time.Duration }{
	{time.Hour, time.Minute}, {24 * time.Hour, 15 * time.Minute}, {14 * 24 * time.Hour, 6 * time.Hour},
}

// SaveSample implements rollout.Samples. Price: a look-up, and for a new sample a pass over
// the others, of which there are hundreds.
func (s Rings) SaveSample(ctx context.Context, one rollout.Sample, next time.Time) error {
	reasons, err := json.Marshal(one.Reasons)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(t *db.Tx) error {
		if _, err := t.Exec(`UPDATE rollouts SET look_from = @next WHERE tenant_id = @tenant AND look_from < @next `, db.Args{"next": db.Millis(next)}); err != nil {
			return err
		}
		var last sampleRow
		n, err := t.Scan(&last, `SELECT * FROM rollout_samples WHERE tenant_id = @tenant ORDER BY at DESC LIMIT 1`, nil)
		if err != nil || n > 0 && same(last.sample().Counts, one.Counts) {
			return err
		}
		c := one.Counts
		if _, err := t.Exec(`INSERT INTO rollout_samples (tenant_id, at, installed, wanted, refused, removed, blocked, untouched, reasons)
			VALUES (@tenant , @at , @installed , @wanted , @refused , @removed , @blocked , @untouched , @reasons ) ON CONFLICT DO NOTHING`, db.Args{
			"at": db.Millis(one.At), "installed": c.Installed, "wanted": c.Wanted, "refused": c.Refused, "removed": c.Removed, "blocked": c.Blocked, "untouched": c.Untouched, "reasons": string(reasons),
		}); err != nil {
			return err
		}
		for _, th := range thinning {
			if _, err := t.Exec(`DELETE FROM rollout_samples WHERE tenant_id = @tenant AND at < @old AND at NOT IN
				(SELECT MAX(at) FROM rollout_samples WHERE tenant_id = @tenant AND at < @old GROUP BY at / CAST(@stretch AS bigint))`,
				db.Args{"old": db.Millis(one.At.Add(-th.age)), "stretch": th.stretch.Milliseconds()}); err != nil {
				return err
			}
		}
		return nil
	})
}

func same(a, b rollout.Counts) bool {
	for _, s := range append(broadcast.InstallationStates(), "") {
		if a.Of(s) != b.Of(s) {
			return false
		}
	}
	return maps.Equal(a.Reasons, b.Reasons)
}

// Samples implements rollout.Samples. Price: a range of hundreds.
func (s Rings) Samples(ctx context.Context, from time.Time) ([]rollout.Sample, error) {
	var rows []sampleRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM rollout_samples WHERE tenant_id = @tenant AND at >= COALESCE((SELECT MAX(at) FROM rollout_samples WHERE tenant_id = @tenant AND at <= @from ), 0) ORDER BY at`, db.Args{"from": db.Millis(from)})
	return db.Each(rows, sampleRow.sample), err
}
