-- Lists of people that were uploaded or pasted, with what became of each row, and
-- audiences kept under a name.
-- +goose Up
CREATE TABLE lists (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT NOT NULL,
    by_id      TEXT COLLATE "C" NOT NULL,
    by_name    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    rows_total BIGINT NOT NULL,
    rows_found BIGINT NOT NULL, -- those that name somebody, if for the second time
    people     BIGINT NOT NULL, -- whom they name, each once
    ready      BOOLEAN NOT NULL, -- all rows are there
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE list_rows (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    list_id    TEXT COLLATE "C" NOT NULL,
    line       BIGINT NOT NULL,
    given      TEXT NOT NULL,
    entra_id   TEXT COLLATE "C" NOT NULL, -- '' for nobody
    problem    TEXT COLLATE "C" NOT NULL CHECK (problem IN ('', 'twice', 'not_found', 'ambiguous', 'unreadable', 'unasked')),
    first_line BIGINT NOT NULL, -- where they were named before; else 0
    PRIMARY KEY (tenant_id, list_id, line)
);
CREATE INDEX list_rows_problem ON list_rows (tenant_id, list_id, line) WHERE entra_id = '';

CREATE TABLE saved_audiences (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT COLLATE "C" NOT NULL, -- lower-cased: a name is given once
    audience   TEXT NOT NULL,
    by_id      TEXT COLLATE "C" NOT NULL,
    by_name    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX saved_audiences_name ON saved_audiences (tenant_id, name_key);

-- People by what lists call them. Folded as both databases can, ASCII only: whoever
-- is written with other capitals is found by asking Graph.
CREATE INDEX people_upn ON people (tenant_id, lower(upn COLLATE "C")) WHERE NOT deleted;
CREATE INDEX people_mail ON people (tenant_id, lower(mail COLLATE "C")) WHERE NOT deleted AND mail <> '';
