package upkeep

import (
	"context"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/upkeep"
)

// SetRepairs implements upkeep.Ledger.
func (s Upkeep) SetRepairs(ctx context.Context, on bool, m upkeep.Move) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		if _, err := t.Exec(`INSERT INTO upkeep (tenant_id, repairs, since, published, asked_at, trouble, target, hearing_since, heard_to)
			VALUES (@tenant , @on , @now , '', 0, '', '', @now , @now ) ON CONFLICT (tenant_id) DO UPDATE SET repairs = excluded.repairs`,
			db.Args{"on": on, "now": t.NowMillis()}); err != nil {
			return err
		}
		return note(t, m)
	})
}

// putBackPage is how many people one transaction wants the app for: on SQLite
// everybody else's writing waits for it.
const putBackPage = 2_000

// PutBackVanished implements upkeep.Ledger. Price: an index range of those from whom the app
// vanished, 2,000 per transaction.
func (s Upkeep) PutBackVanished(ctx context.Context, m upkeep.Move) (int, error) {
	if err := s.db.Write(ctx, func(t *db.Tx) error { return note(t, m) }); err != nil {
		return 0, err
	}
	all := 0
	for {
		var n int64
		err := s.db.Write(ctx, func(t *db.Tx) (err error) {
			n, err = t.Exec(`UPDATE installations SET state = 'wanted', reason = '', detail = '', attempts = 0, not_before = 0, fence = fence + 1, updated_at = @now
				WHERE tenant_id = @tenant AND state = 'removed' AND reason = 'vanished' AND entra_id IN
				(SELECT i.entra_id FROM installations i WHERE i.tenant_id = @tenant AND i.reason = 'vanished' AND i.reason <> '' ORDER BY i.entra_id LIMIT @page )`,
				db.Args{"now": t.NowMillis(), "page": putBackPage})
			if n > 0 {
				t.HandOut(broadcast.Work{Kind: broadcast.KindInstall})
			}
			return err
		})
		if err != nil || n == 0 {
			return all, err
		}
		all += int(n)
	}
}

// Versions implements upkeep.Records: as of the last look at each. Price: two passes over
// indexes alone.
func (s Upkeep) Versions(ctx context.Context) ([]upkeep.VersionCount, error) {
	t := s.db.Read(ctx)
	var out []upkeep.VersionCount
	if _, err := t.Scan(&out, `SELECT version, count(*) AS people FROM tended WHERE tenant_id = @tenant AND version <> '' GROUP BY version ORDER BY 2 DESC, 1`, nil); err != nil {
		return nil, err
	}
	var unseen int
	if _, err := t.Scan(&unseen, `SELECT count(*) FROM installations WHERE tenant_id = @tenant AND state = 'installed'`, nil); err != nil {
		return nil, err
	}
	for _, v := range out {
		unseen -= v.People
	}
	if unseen > 0 {
		out = append(out, upkeep.VersionCount{People: unseen})
	}
	return out, nil
}

// UpkeepMoves implements upkeep.Records. Price: the end of an index.
func (s Upkeep) UpkeepMoves(ctx context.Context, limit int) ([]upkeep.Move, error) {
	var rows []moveRow
	_, err := s.db.Read(ctx).Scan(&rows, `SELECT * FROM upkeep_moves WHERE tenant_id = @tenant ORDER BY id DESC LIMIT @limit `, db.Args{"limit": limit})
	return db.Each(rows, func(r moveRow) upkeep.Move {
		return upkeep.Move{What: r.What, By: db.ActorRef(r.ByID, r.ByName), At: db.Moment(r.At)}
	}), err
}
