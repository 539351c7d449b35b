-- Where the bot is beside people's own chats, how Teams calls people there, and who
-- is in a team. An account is no conversation: it tells whom a conversation could be
-- opened with, and makes nobody reachable.
-- +goose Up
CREATE TABLE places (
    tenant_id      TEXT NOT NULL,
    place_id       TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('team', 'group_chat')),
    name           TEXT NOT NULL,
    -- The words of the name, lower-cased, each after a space.
    search         TEXT NOT NULL,
    entra_group_id TEXT NOT NULL,
    service_url    TEXT NOT NULL,
    added_by_id    TEXT NOT NULL,
    added_by_name  TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('here', 'archived', 'deleted', 'removed')),
    -- By Teams' clock: since when it has been so.
    named_at       INTEGER NOT NULL,
    state_at       INTEGER NOT NULL,
    url_at         INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, place_id)
) WITHOUT ROWID;

CREATE TABLE channels (
    tenant_id  TEXT NOT NULL,
    team_id    TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    search     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('here', 'deleted')),
    listed     BOOLEAN NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, team_id, channel_id)
) WITHOUT ROWID;

CREATE TABLE accounts (
    tenant_id          TEXT NOT NULL,
    entra_id           TEXT NOT NULL,
    channel_account_id TEXT NOT NULL,
    service_url        TEXT NOT NULL,
    seen_at            INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;

-- A round is one reading of a roster. Only rows of roster_reads.whole count; those of
-- a later round are of one that has not come to its end.
CREATE TABLE rosters (
    tenant_id TEXT NOT NULL,
    team_id   TEXT NOT NULL,
    round     INTEGER NOT NULL,
    entra_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, team_id, round, entra_id)
) WITHOUT ROWID;

CREATE TABLE roster_reads (
    tenant_id    TEXT NOT NULL,
    team_id      TEXT NOT NULL,
    due_at       INTEGER NOT NULL, -- 0 for never: the bot is not there
    asked_at     INTEGER NOT NULL, -- when something last happened that it should know of
    begun_at     INTEGER NOT NULL,
    round        INTEGER NOT NULL, -- the last one begun
    cursor       TEXT NOT NULL, -- where it stands; '' at its beginning
    whole        INTEGER NOT NULL, -- the last one that came to its end; 0 for none
    read_at      INTEGER NOT NULL,
    members      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    problem      TEXT NOT NULL,
    fence        INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, team_id)
) WITHOUT ROWID;
CREATE INDEX roster_reads_due ON roster_reads (tenant_id, due_at) WHERE due_at > 0;

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl IN ('places', 'channels', 'accounts', 'rosters', 'roster_reads');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('places', 'places', '1000 1000 1'),
    ('channels', 'channels', '10000 10000 10 1'),
    ('accounts', 'accounts', '1000000 1000000 1'),
    ('rosters', 'rosters', '1000000 1000000 1000 1000 1'),
    ('roster_reads', 'roster_reads', '1000 1000 1'),
    ('roster_reads', 'roster_reads_due', '1000 1000 10');
ANALYZE sqlite_schema;
