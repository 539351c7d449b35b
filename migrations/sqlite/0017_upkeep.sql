-- Keeping installations right after the fact (package upkeep), and the app for teams
-- (package join).
-- +goose Up
CREATE TABLE upkeep (
    tenant_id     TEXT NOT NULL,
    repairs       BOOLEAN NOT NULL,
    since         INTEGER NOT NULL, -- when Fanfare first kept anything up
    published     TEXT NOT NULL,   -- the app's newest version in the catalogue
    asked_at      INTEGER NOT NULL,
    trouble       TEXT NOT NULL,
    target        TEXT NOT NULL,   -- the version the last pass went for
    -- Fanfare was there to hear from Teams from the one moment to the other.
    hearing_since INTEGER NOT NULL,
    heard_to      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id)
) WITHOUT ROWID;

CREATE TABLE upkeep_passes (
    tenant_id    TEXT NOT NULL,
    number       INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('running', 'paused', 'done', 'stopped')),
    cause        TEXT NOT NULL CHECK (cause IN ('asked', 'due', 'published')),
    upgrades     BOOLEAN NOT NULL,
    version      TEXT NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    begun_at     INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    total        INTEGER NOT NULL,
    looked       INTEGER NOT NULL,
    cursor       TEXT NOT NULL, -- everybody up to this person was looked at
    fence        INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    rest_till    INTEGER NOT NULL,
    problem      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, number)
) WITHOUT ROWID;
-- One is live at a time.
CREATE UNIQUE INDEX upkeep_passes_live ON upkeep_passes (tenant_id) WHERE state IN ('running', 'paused');

CREATE TABLE upkeep_findings (
    tenant_id TEXT NOT NULL,
    number    INTEGER NOT NULL,
    finding   TEXT NOT NULL CHECK (finding IN ('fine', 'outdated', 'upgraded', 'not_upgraded', 'found', 'put_back', 'vanished', 'fresh', 'unknown')),
    reason    TEXT NOT NULL,
    people    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, number, finding, reason)
) WITHOUT ROWID;

-- What was seen at a person last: of_pass says whether this pass has been there.
CREATE TABLE tended (
    tenant_id TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    of_pass   INTEGER NOT NULL,
    version   TEXT NOT NULL,
    there_at  INTEGER NOT NULL, -- when the app was last seen to be there
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;

CREATE INDEX tended_version ON tended (tenant_id, version) WHERE version <> '';

-- The audit of what people did here; append only.
CREATE TABLE upkeep_moves (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    what      TEXT NOT NULL,
    by_id     TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

-- Teams an admin wants the app in, by the group behind each.
CREATE TABLE joins (
    tenant_id    TEXT NOT NULL,
    group_id     TEXT NOT NULL,
    name         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('wanted', 'installed', 'refused')),
    reason       TEXT NOT NULL,
    detail       TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    not_before   INTEGER NOT NULL,
    fence        INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    asked_at     INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, group_id)
) WITHOUT ROWID;
CREATE INDEX joins_due ON joins (tenant_id, not_before) WHERE state = 'wanted';

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl IN ('upkeep', 'upkeep_passes', 'upkeep_findings', 'tended', 'upkeep_moves', 'joins');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('upkeep', 'upkeep', '1 1'),
    ('upkeep_passes', 'upkeep_passes', '100 100 1'),
    ('upkeep_passes', 'upkeep_passes_live', '1 1'),
    ('upkeep_findings', 'upkeep_findings', '1000 1000 10 2 1'),
    ('tended', 'tended', '1000000 1000000 1'),
    ('tended', 'tended_version', '1000000 1000000 300000'),
    ('upkeep_moves', 'upkeep_moves', '100 100 1'),
    ('joins', 'joins', '1000 1000 1'),
    ('joins', 'joins_due', '10 10 1');
ANALYZE sqlite_schema;
