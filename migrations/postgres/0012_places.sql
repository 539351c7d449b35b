-- Where the bot is beside people's own chats, how Teams calls people there, and who
-- is in a team. An account is no conversation: it tells whom a conversation could be
-- opened with, and makes nobody reachable.
-- +goose Up
CREATE TABLE places (
    tenant_id      TEXT COLLATE "C" NOT NULL,
    place_id       TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL CHECK (kind IN ('team', 'group_chat')),
    name           TEXT NOT NULL,
    -- The words of the name, lower-cased, each after a space.
    search         TEXT COLLATE "C" NOT NULL,
    entra_group_id TEXT COLLATE "C" NOT NULL,
    service_url    TEXT NOT NULL,
    added_by_id    TEXT COLLATE "C" NOT NULL,
    added_by_name  TEXT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('here', 'archived', 'deleted', 'removed')),
    -- By Teams' clock: since when it has been so.
    named_at       BIGINT NOT NULL,
    state_at       BIGINT NOT NULL,
    url_at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, place_id)
);

CREATE TABLE channels (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    team_id    TEXT COLLATE "C" NOT NULL,
    channel_id TEXT COLLATE "C" NOT NULL,
    name       TEXT NOT NULL,
    search     TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('here', 'deleted')),
    listed     BOOLEAN NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, team_id, channel_id)
);

CREATE TABLE accounts (
    tenant_id          TEXT COLLATE "C" NOT NULL,
    entra_id           TEXT COLLATE "C" NOT NULL,
    channel_account_id TEXT NOT NULL,
    service_url        TEXT NOT NULL,
    seen_at            BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
);

-- A round is one reading of a roster. Only rows of roster_reads.whole count; those of
-- a later round are of one that has not come to its end.
CREATE TABLE rosters (
    tenant_id TEXT COLLATE "C" NOT NULL,
    team_id   TEXT COLLATE "C" NOT NULL,
    round     BIGINT NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, team_id, round, entra_id)
);

CREATE TABLE roster_reads (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    team_id      TEXT COLLATE "C" NOT NULL,
    due_at       BIGINT NOT NULL, -- 0 for never: the bot is not there
    asked_at     BIGINT NOT NULL, -- when something last happened that it should know of
    begun_at     BIGINT NOT NULL,
    round        BIGINT NOT NULL, -- the last one begun
    cursor       TEXT NOT NULL, -- where it stands; '' at its beginning
    whole        BIGINT NOT NULL, -- the last one that came to its end; 0 for none
    read_at      BIGINT NOT NULL,
    members      BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    problem      TEXT NOT NULL,
    fence        BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, team_id)
);
CREATE INDEX roster_reads_due ON roster_reads (tenant_id, due_at) WHERE due_at > 0;
ALTER TABLE rosters SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
