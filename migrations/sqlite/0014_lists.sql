-- Lists of people that were uploaded or pasted, with what became of each row, and
-- audiences kept under a name.
-- +goose Up
CREATE TABLE lists (
    tenant_id  TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_found INTEGER NOT NULL, -- those that name somebody, if for the second time
    people     INTEGER NOT NULL, -- whom they name, each once
    ready      BOOLEAN NOT NULL, -- all rows are there
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE TABLE list_rows (
    tenant_id  TEXT NOT NULL,
    list_id    TEXT NOT NULL,
    line       INTEGER NOT NULL,
    given      TEXT NOT NULL,
    entra_id   TEXT NOT NULL, -- '' for nobody
    problem    TEXT NOT NULL CHECK (problem IN ('', 'twice', 'not_found', 'ambiguous', 'unreadable', 'unasked')),
    first_line INTEGER NOT NULL, -- where they were named before; else 0
    PRIMARY KEY (tenant_id, list_id, line)
) WITHOUT ROWID;
CREATE INDEX list_rows_problem ON list_rows (tenant_id, list_id, line) WHERE entra_id = '';

CREATE TABLE saved_audiences (
    tenant_id  TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL, -- lower-cased: a name is given once
    audience   TEXT NOT NULL,
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX saved_audiences_name ON saved_audiences (tenant_id, name_key);

-- People by what lists call them. Folded as both databases can, ASCII only: whoever
-- is written with other capitals is found by asking Graph.
CREATE INDEX people_upn ON people (tenant_id, lower(upn)) WHERE NOT deleted;
CREATE INDEX people_mail ON people (tenant_id, lower(mail)) WHERE NOT deleted AND mail <> '';

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl IN ('lists', 'list_rows', 'saved_audiences') OR idx IN ('people_upn', 'people_mail');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('lists', 'lists', '1000 1000 1'),
    ('list_rows', 'list_rows', '1000000 1000000 10000 1'),
    ('list_rows', 'list_rows_problem', '100000 100000 1000 1'),
    ('saved_audiences', 'saved_audiences', '1000 1000 1'),
    ('saved_audiences', 'saved_audiences_name', '1000 1000 1'),
    ('people', 'people_upn', '1000000 1000000 1'),
    ('people', 'people_mail', '1000000 1000000 1');
ANALYZE sqlite_schema;
