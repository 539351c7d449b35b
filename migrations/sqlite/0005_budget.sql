-- The budget as slots on the database's clock: next_at is the next free one. All
-- times are microseconds. Nothing in the old table outlives a second.
-- +goose Up
DROP TABLE budgets;
CREATE TABLE budgets (
    tenant_id    TEXT NOT NULL,
    family       TEXT NOT NULL,
    touched_at   INTEGER NOT NULL, -- the last write: a clock behind it was set back
    next_at      INTEGER NOT NULL,
    granted      INTEGER NOT NULL, -- the last lease: so many slots,
    gap          INTEGER NOT NULL, -- so far apart
    paused_until INTEGER NOT NULL,
    nap          INTEGER NOT NULL, -- the last pause nobody asked for by length
    slow         INTEGER NOT NULL, -- millionths held back from slow_from on, climbing back
    slow_from    INTEGER NOT NULL,
    slowed_at    INTEGER NOT NULL,
    urgent_until INTEGER NOT NULL, -- until when somebody urgent is taken to wait
    normal_until INTEGER NOT NULL,
    normal_turn  INTEGER NOT NULL, -- when the less pressing are due their part meanwhile
    bulk_turn    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, family)
) WITHOUT ROWID;
