-- The budget as slots on the database's clock: next_at is the next free one. All
-- times are microseconds. Nothing in the old table outlives a second.
-- +goose Up
DROP TABLE budgets;
CREATE TABLE budgets (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    family       TEXT COLLATE "C" NOT NULL,
    touched_at   BIGINT NOT NULL, -- the last write: a clock behind it was set back
    next_at      BIGINT NOT NULL,
    granted      BIGINT NOT NULL, -- the last lease: so many slots,
    gap          BIGINT NOT NULL, -- so far apart
    paused_until BIGINT NOT NULL,
    nap          BIGINT NOT NULL, -- the last pause nobody asked for by length
    slow         BIGINT NOT NULL, -- millionths held back from slow_from on, climbing back
    slow_from    BIGINT NOT NULL,
    slowed_at    BIGINT NOT NULL,
    urgent_until BIGINT NOT NULL, -- until when somebody urgent is taken to wait
    normal_until BIGINT NOT NULL,
    normal_turn  BIGINT NOT NULL, -- when the less pressing are due their part meanwhile
    bulk_turn    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, family)
) WITH (fillfactor = 50);
