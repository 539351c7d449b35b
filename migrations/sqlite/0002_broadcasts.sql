-- What is announced, to whom, and what became of it at each person.
-- +goose Up
CREATE TABLE broadcasts (
    tenant_id         TEXT NOT NULL,
    id                TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('draft', 'in_review', 'rejected', 'approved', 'scheduled', 'resolving', 'sending', 'paused', 'sent', 'cancelled', 'failed')),
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
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX broadcasts_state ON broadcasts (tenant_id, state, id);

-- How far each broadcast has come. Not in its row, because every recorded batch
-- changes it.
CREATE TABLE tallies (
    tenant_id      TEXT NOT NULL,
    broadcast_id   TEXT NOT NULL,
    pending        INTEGER NOT NULL CHECK (pending >= 0),
    ready          INTEGER NOT NULL CHECK (ready >= 0),
    sent           INTEGER NOT NULL CHECK (sent >= 0),
    failed         INTEGER NOT NULL CHECK (failed >= 0),
    skipped        INTEGER NOT NULL CHECK (skipped >= 0),
    cancelled      INTEGER NOT NULL CHECK (cancelled >= 0),
    expired        INTEGER NOT NULL CHECK (expired >= 0),
    maybe_repeated INTEGER NOT NULL CHECK (maybe_repeated >= 0),
    PRIMARY KEY (tenant_id, broadcast_id)
) WITHOUT ROWID;

-- The audit trail; append only. The revision is the one the move made, so two
-- moves from the same revision cannot both be stored.
CREATE TABLE moves (
    tenant_id    TEXT NOT NULL,
    broadcast_id TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    event        TEXT NOT NULL,
    from_state   TEXT NOT NULL,
    to_state     TEXT NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    note         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id, revision)
);

-- A chunk is the deliveries with IDs first_id to last_id. next_at is when the
-- earliest of them is due, NULL for nothing.
CREATE TABLE chunks (
    tenant_id    TEXT NOT NULL,
    broadcast_id TEXT NOT NULL,
    number       INTEGER NOT NULL,
    first_id     INTEGER NOT NULL,
    last_id      INTEGER NOT NULL,
    fence        INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    next_at      INTEGER,
    PRIMARY KEY (tenant_id, broadcast_id, number)
) WITHOUT ROWID;
CREATE INDEX chunks_due ON chunks (tenant_id, broadcast_id, next_at) WHERE next_at IS NOT NULL;

CREATE TABLE deliveries (
    tenant_id    TEXT NOT NULL,
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    broadcast_id TEXT NOT NULL,
    entra_id     TEXT NOT NULL,
    chunk        INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'sent', 'failed', 'skipped', 'cancelled', 'expired')),
    reason       TEXT NOT NULL,
    code         TEXT NOT NULL,
    detail       TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    not_before   INTEGER NOT NULL,
    activity_id  TEXT NOT NULL,
    maybe_sent   BOOLEAN NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (tenant_id, broadcast_id, entra_id)
);
-- The id is the rowid, which every index of SQLite ends with: these are in its order.
CREATE INDEX deliveries_page ON deliveries (tenant_id, broadcast_id);
-- Serves the recipients page by state and, over a chunk's range of IDs, its ready ones.
CREATE INDEX deliveries_state ON deliveries (tenant_id, broadcast_id, state);
CREATE INDEX deliveries_reason ON deliveries (tenant_id, broadcast_id, reason) WHERE reason <> '';
CREATE INDEX deliveries_live ON deliveries (tenant_id, entra_id) WHERE state IN ('pending', 'ready');
