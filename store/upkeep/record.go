package upkeep

import (
	"cmp"
	"context"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/store/db"
	"github.com/fanfare/fanfare/upkeep"
)

// lookJSON is an outcome as statements take it.
type lookJSON struct {
	EntraID   string `json:"entra_id"`
	Fence     int64  `json:"fence"`
	Version   string `json:"version"`
	ThereAt   int64  `json:"there_at"`
	Known     bool   `json:"-"` // whether Graph said anything of the app
	State     string `json:"state"`
	Reason    string `json:"reason"`
	NotBefore int64  `json:"not_before"`
	At        int64  `json:"at"`
}

const lookColumns = "entra_id text, fence bigint, version text, there_at bigint, state text, reason text, not_before bigint, at bigint"

func lookOf(o upkeep.Outcome) lookJSON {
	l := lookJSON{
		EntraID: string(o.Person.EntraID), Fence: o.Person.Fence, Version: db.Clean(o.Seen.Version, 50), Known: o.Finding != upkeep.Unknown,
		State: string(o.To), Reason: string(o.Reason), NotBefore: db.Millis(o.NotBefore), At: db.Millis(o.At),
	}
	if o.Seen.There {
		l.ThereAt = l.At
	}
	return l
}

// Record stores what became of a chunk, and returns those whose installation was
// moved: not those of whom an event has spoken since. Price: six statements, whatever
// the number of people.
func Record(t *db.Tx, c upkeep.Chunk, r upkeep.Report) ([]broadcast.EntraID, error) {
	if err := advance(t, c, r); err != nil || len(r.Outcomes) == 0 {
		return nil, err
	}
	if err := count(t, c, r.Outcomes); err != nil {
		return nil, err
	}
	looks := db.Each(r.Outcomes, lookOf)
	slices.SortFunc(looks, func(a, b lookJSON) int { return cmp.Compare(a.EntraID, b.EntraID) })
	for known, set := range map[bool]string{
		true:  `of_pass = excluded.of_pass, version = excluded.version, there_at = ` + t.Greatest + `(tended.there_at, excluded.there_at)`,
		false: `of_pass = excluded.of_pass`, // what was seen before stays
	} {
		if err := tend(t, c, set, slices.DeleteFunc(slices.Clone(looks), func(l lookJSON) bool { return l.Known != known })); err != nil {
			return nil, err
		}
	}
	looks = slices.DeleteFunc(looks, func(l lookJSON) bool { return l.State == "" })
	raw, err := db.List(looks)
	if err != nil || len(looks) == 0 {
		return nil, err
	}
	var moved []broadcast.EntraID
	_, err = t.Scan(&moved, `UPDATE installations SET state = r.state, reason = r.reason, detail = '', attempts = 0, not_before = r.not_before, leased_until = 0,
			fence = installations.fence + 1, conversation_id = '', updated_at = r.at
		FROM `+t.Rows("rows", lookColumns)+` AS r
		WHERE installations.tenant_id = @tenant AND installations.entra_id = r.entra_id AND installations.fence = r.fence RETURNING installations.entra_id`, db.Args{"rows": raw})
	return moved, err
}

// tend stores what was seen at people.
func tend(t *db.Tx, c upkeep.Chunk, set string, looks []lookJSON) error {
	raw, err := db.List(looks)
	if err != nil || len(looks) == 0 {
		return err
	}
	_, err = t.Exec(`INSERT INTO tended (tenant_id, entra_id, of_pass, version, there_at)
		SELECT @tenant , r.entra_id, CAST(@pass AS bigint), r.version, r.there_at FROM `+t.Rows("rows", lookColumns)+` AS r WHERE TRUE
		ON CONFLICT (tenant_id, entra_id) DO UPDATE SET `+set, db.Args{"rows": raw, "pass": c.Pass})
	return err
}

// advance moves the pass on, if the chunk is still in these hands.
func advance(t *db.Tx, c upkeep.Chunk, r upkeep.Report) error {
	n, err := t.Exec(`UPDATE upkeep_passes SET cursor = CASE WHEN @cursor = '' THEN cursor ELSE @cursor END, looked = looked + @looked , leased_until = 0,
			rest_till = @rest , problem = @problem ,
			ended_at = CASE WHEN CAST(@done AS boolean) AND state = 'running' THEN CAST(@now AS bigint) ELSE ended_at END,
			state = CASE WHEN CAST(@done AS boolean) AND state = 'running' THEN 'done' ELSE state END
		WHERE tenant_id = @tenant AND number = @pass AND fence = @fence `, db.Args{
		"cursor": string(r.Cursor), "looked": len(r.Outcomes), "rest": db.Millis(r.RestTill), "problem": db.Clean(r.Problem, 500),
		"done": r.Done, "now": t.NowMillis(), "pass": c.Pass, "fence": c.Fence,
	})
	if err == nil && n == 0 {
		err = upkeep.ErrNotOurs
	}
	return err
}

// count adds what was found.
func count(t *db.Tx, c upkeep.Chunk, outcomes []upkeep.Outcome) error {
	type line struct {
		Finding string `json:"finding"`
		Reason  string `json:"reason"`
		People  int    `json:"people"`
	}
	at := map[line]int{}
	for _, o := range outcomes {
		at[line{Finding: string(o.Finding), Reason: string(o.Why)}]++
	}
	var lines []line
	for l, n := range at {
		l.People = n
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Or(cmp.Compare(a.Finding, b.Finding), cmp.Compare(a.Reason, b.Reason)) })
	raw, err := db.List(lines)
	if err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO upkeep_findings (tenant_id, number, finding, reason, people)
		SELECT @tenant , CAST(@pass AS bigint), r.finding, r.reason, r.people FROM `+t.Rows("rows", "finding text, reason text, people bigint")+` AS r WHERE TRUE
		ON CONFLICT (tenant_id, number, finding, reason) DO UPDATE SET people = upkeep_findings.people + excluded.people`, db.Args{"rows": raw, "pass": c.Pass})
	return err
}

// NoteCatalogue implements upkeep.Passes. The first version ever seen is nobody's news;
// a live pass goes for the newest from now on.
func (s Upkeep) NoteCatalogue(ctx context.Context, version, trouble string) error {
	return s.db.Write(ctx, func(t *db.Tx) error {
		a := db.Args{"now": t.NowMillis(), "version": db.Clean(version, 50), "trouble": db.Clean(trouble, 500)}
		n, err := t.Exec(`UPDATE upkeep_passes SET version = @version WHERE tenant_id = @tenant AND state IN ('running', 'paused') AND @version <> '' AND version <> @version `, a)
		if err != nil {
			return err
		}
		a["live"] = n > 0
		_, err = t.Exec(`INSERT INTO upkeep (tenant_id, repairs, since, published, asked_at, trouble, target, hearing_since, heard_to)
		VALUES (@tenant , TRUE, @now , @version , @now , @trouble , @version , @now , @now )
		ON CONFLICT (tenant_id) DO UPDATE SET asked_at = excluded.asked_at, trouble = excluded.trouble,
			published = CASE WHEN excluded.published = '' THEN upkeep.published ELSE excluded.published END,
			target = CASE WHEN upkeep.target = '' OR CAST(@live AS boolean) THEN excluded.target ELSE upkeep.target END`, a)
		return err
	})
}

// listenEvery is how often it is noted that Fanfare is there to hear. Teams repeats for
// about half a minute what nobody took (protocol B.6): a restart that is over by then
// misses nothing.
const listenEvery = 10_000 // milliseconds

// Listening notes that Fanfare is there to hear from Teams. It is called every second
// or so, on any replica. Price: a row every ten seconds.
func (s Upkeep) Listening(ctx context.Context) error {
	t := s.db.Alone(ctx)
	now := t.NowMillis()
	if last := s.heard.Load(); now-last < listenEvery && now >= last {
		return nil
	}
	_, err := t.Exec(`INSERT INTO upkeep (tenant_id, repairs, since, published, asked_at, trouble, target, hearing_since, heard_to)
		VALUES (@tenant , TRUE, @now , '', 0, '', '', @now , @now )
		ON CONFLICT (tenant_id) DO UPDATE SET heard_to = excluded.heard_to,
			hearing_since = CASE WHEN excluded.heard_to - upkeep.heard_to > @deaf THEN excluded.heard_to ELSE upkeep.hearing_since END`,
		db.Args{"now": now, "deaf": deaf.Milliseconds()})
	if err == nil {
		s.heard.Store(now)
	}
	return err
}
