-- Whom authors may reach, and how many broadcasts people got lately.
-- +goose Up
CREATE TABLE scopes (
    tenant_id TEXT NOT NULL,
    person    TEXT NOT NULL, -- 'default' for all without one of their own
    name      TEXT NOT NULL,
    audience  TEXT NOT NULL,
    by_id     TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, person)
) WITHOUT ROWID;
-- The audit of scopes; append only. '' is no scope.
CREATE TABLE scope_changes (
    tenant_id     TEXT NOT NULL,
    id            TEXT NOT NULL,
    person        TEXT NOT NULL,
    name          TEXT NOT NULL,
    from_audience TEXT NOT NULL,
    to_audience   TEXT NOT NULL,
    by_id         TEXT NOT NULL,
    by_name       TEXT NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
-- Admins who stand for a broadcast exactly as its fingerprint says.
CREATE TABLE scope_vouchers (
    tenant_id    TEXT NOT NULL,
    broadcast_id TEXT NOT NULL,
    hash         TEXT NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id, hash)
) WITHOUT ROWID;

-- How many announcements somebody got in the last 7 and 30 days; nobody with none.
-- Counted anew from deliveries, so nothing in it can drift.
CREATE TABLE received (
    tenant_id TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    week      INTEGER NOT NULL CHECK (week >= 0),
    month     INTEGER NOT NULL CHECK (month > 0),
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;
-- How far the counting has come: after is the last person counted, counted what there
-- was to count when the round began.
CREATE TABLE received_rounds (
    tenant_id TEXT NOT NULL,
    counted   TEXT NOT NULL,
    day       INTEGER NOT NULL,
    after     TEXT NOT NULL,
    begun_at  INTEGER NOT NULL,
    ended_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id)
) WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('scopes', 'scopes', '100 100 1'),
    ('scope_changes', 'scope_changes', '1000 1000 1'),
    ('scope_vouchers', 'scope_vouchers', '1000 1000 1 1'),
    ('received', 'received', '1000000 1000000 1'),
    ('received_rounds', 'received_rounds', '1 1');
ANALYZE sqlite_schema;
