-- How a broadcast is sent (plan, as JSON; priority, expires_at, late, late_until and
-- repeats are the parts statements look at), corrections and recalls as broadcasts
-- of their own, waves, the window of what a worker may have begun, every failed try
-- with code and time, and the halt of everything.
-- +goose Up
-- SQLite cannot change a CHECK: the table is built anew.
CREATE TABLE broadcasts_new (
    tenant_id         TEXT NOT NULL,
    id                TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('draft', 'in_review', 'rejected', 'approved', 'scheduled', 'resolving', 'sending', 'paused', 'held', 'sent', 'cancelled', 'failed')),
    revision          INTEGER NOT NULL,
    title_search      TEXT NOT NULL,
    message           TEXT NOT NULL,
    audience          TEXT NOT NULL,
    author_id         TEXT NOT NULL,
    author_name       TEXT NOT NULL,
    editors           TEXT NOT NULL,
    submitted_by_id   TEXT NOT NULL,
    submitted_by_name TEXT NOT NULL,
    approved_by_id    TEXT NOT NULL,
    approved_by_name  TEXT NOT NULL,
    approved_hash     TEXT NOT NULL,
    reason            TEXT NOT NULL,
    due_at            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    finished_at       INTEGER NOT NULL,
    kind              TEXT NOT NULL DEFAULT 'announcement' CHECK (kind IN ('announcement', 'edit', 'recall')),
    target_id         TEXT NOT NULL DEFAULT '',
    plan              TEXT NOT NULL DEFAULT '{}',
    priority          TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'normal', 'bulk')),
    expires_at        INTEGER NOT NULL DEFAULT 0,
    late              TEXT NOT NULL DEFAULT 'until_finished' CHECK (late IN ('until_finished', 'until_date', 'never')),
    late_until        INTEGER NOT NULL DEFAULT 0,
    repeats           TEXT NOT NULL DEFAULT 'risk' CHECK (repeats IN ('risk', 'avoid')),
    wave              INTEGER NOT NULL DEFAULT 1,
    expected          INTEGER NOT NULL DEFAULT 0,
    listed_at         INTEGER NOT NULL DEFAULT 0,
    retry_at          INTEGER NOT NULL DEFAULT 0,
    retry_reason      TEXT NOT NULL DEFAULT '',
    recalled_at       INTEGER NOT NULL DEFAULT 0,
    halted            BOOLEAN NOT NULL DEFAULT FALSE,
    late_count        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO broadcasts_new (tenant_id, id, state, revision, title_search, message, audience, author_id, author_name, editors, submitted_by_id, submitted_by_name, approved_by_id, approved_by_name, approved_hash, reason, due_at, created_at, updated_at, started_at, finished_at)
    SELECT tenant_id, id, state, revision, title_search, message, audience, author_id, author_name, editors, submitted_by_id, submitted_by_name, approved_by_id, approved_by_name, approved_hash, reason, due_at, created_at, updated_at, started_at, finished_at FROM broadcasts;
DROP TABLE broadcasts;
ALTER TABLE broadcasts_new RENAME TO broadcasts;
CREATE INDEX broadcasts_state ON broadcasts (tenant_id, state, id);
UPDATE broadcasts SET listed_at = updated_at WHERE state IN ('sending', 'paused', 'sent', 'cancelled', 'failed');
CREATE INDEX broadcasts_target ON broadcasts (tenant_id, target_id, id) WHERE target_id <> '';
-- Who may still be taken in late: few, whatever the number of broadcasts.
CREATE INDEX broadcasts_late ON broadcasts (tenant_id, late_until) WHERE late_until > 0;

ALTER TABLE chunks ADD COLUMN wave INTEGER NOT NULL DEFAULT 1;
ALTER TABLE chunks ADD COLUMN open_to INTEGER NOT NULL DEFAULT 0;
-- taken_at is when its holder took the chunk: what became due later is not in hand.
ALTER TABLE chunks ADD COLUMN taken_at INTEGER NOT NULL DEFAULT 0;
-- A chunk that is being sent now was opened whole.
UPDATE chunks SET open_to = last_id, taken_at = leased_until WHERE leased_until > 0;
-- In the order in which chunks are taken, so that the next one is the first that is free.
DROP INDEX chunks_due;
CREATE INDEX chunks_due ON chunks (tenant_id, broadcast_id, wave, next_at, number) WHERE next_at IS NOT NULL;

-- When somebody came into the directory, or came back: who is "everyone" at the
-- moment Send is pressed.
ALTER TABLE people ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

CREATE TABLE attempts (
    tenant_id    TEXT NOT NULL,
    broadcast_id TEXT NOT NULL,
    delivery_id  INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    code         TEXT NOT NULL,
    detail       TEXT NOT NULL,
    maybe_sent   BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id, delivery_id, at)
) WITHOUT ROWID;

-- Stops of everything; append only but for who lifted it. One stands at most.
CREATE TABLE halts (
    tenant_id      TEXT NOT NULL,
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    reason         TEXT NOT NULL,
    code           TEXT NOT NULL,
    detail         TEXT NOT NULL,
    at             INTEGER NOT NULL,
    lifted_at      INTEGER NOT NULL,
    lifted_by_id   TEXT NOT NULL,
    lifted_by_name TEXT NOT NULL
);
CREATE UNIQUE INDEX halts_standing ON halts (tenant_id) WHERE lifted_at = 0;

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl IN ('broadcasts', 'broadcasts_new') OR idx = 'chunks_due';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('broadcasts', 'sqlite_autoindex_broadcasts_1', '1000 1000 1'),
    ('broadcasts', 'broadcasts_state', '1000 1000 100 1'),
    ('broadcasts', 'broadcasts_target', '100 100 2 1'),
    ('broadcasts', 'broadcasts_late', '10 10 2'),
    ('chunks', 'chunks_due', '5000 5000 1000 1000 10 1'),
    ('attempts', 'attempts', '100000 100000 10000 2 1'),
    ('halts', 'halts_standing', '1 1');
ANALYZE sqlite_schema;
