-- Late joiners: who can be reached since when, and up to when each broadcast has
-- looked. An installation changes a few times in its life (installing a million
-- takes ten hours), so the index costs nothing that is felt.
-- +goose Up
CREATE INDEX installations_reached ON installations (tenant_id, updated_at, entra_id) WHERE state = 'installed' AND conversation_id <> '';

-- How many are in the directory, and who came into it after a list was frozen.
CREATE INDEX people_since ON people (tenant_id, deleted, since);

CREATE TABLE late_cursors (
    tenant_id    TEXT NOT NULL,
    broadcast_id TEXT NOT NULL,
    seen_to      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id)
) WITHOUT ROWID;

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl = 'late_cursors' OR idx IN ('installations_reached', 'people_since');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('installations', 'installations_reached', '1000000 1000000 10 1'),
    ('people', 'people_since', '1000000 1000000 500000 100'),
    ('late_cursors', 'late_cursors', '1000 1000 1');
ANALYZE sqlite_schema;

-- PostgreSQL's deliveries have partitions by month from here on. SQLite has none; its
-- tables are trees in the order of their keys, in which old rows are never met.
