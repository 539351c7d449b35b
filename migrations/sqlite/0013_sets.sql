-- Who is in the parts of an audience: sets that never change once they were read to
-- their end. owner is a broadcast, or '' for a head-count; current is the one its
-- owner goes by. The others are dropped by the sweep.
-- +goose Up
CREATE TABLE audience_sets (
    tenant_id TEXT NOT NULL,
    id        TEXT NOT NULL,
    owner     TEXT NOT NULL,
    part      TEXT NOT NULL,
    begun_at  INTEGER NOT NULL,
    read_at   INTEGER NOT NULL,
    current   BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX audience_sets_current ON audience_sets (tenant_id, owner, part) WHERE current;
CREATE TABLE audience_members (
    tenant_id TEXT NOT NULL,
    set_id    TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, set_id, entra_id)
) WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('audience_sets', 'audience_sets', '1000 1000 1'),
    ('audience_sets', 'audience_sets_current', '1000 1000 10 1'),
    ('audience_members', 'audience_members', '1000000 1000000 10000 1');
ANALYZE sqlite_schema;
