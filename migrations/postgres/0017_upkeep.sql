-- Keeping installations right after the fact (package upkeep), and the app for teams
-- (package join).
-- +goose Up
CREATE TABLE upkeep (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    repairs       BOOLEAN NOT NULL,
    since         BIGINT NOT NULL, -- when Fanfare first kept anything up
    published     TEXT NOT NULL,   -- the app's newest version in the catalogue
    asked_at      BIGINT NOT NULL,
    trouble       TEXT NOT NULL,
    target        TEXT NOT NULL,   -- the version the last pass went for
    -- Fanfare was there to hear from Teams from the one moment to the other.
    hearing_since BIGINT NOT NULL,
    heard_to      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
) WITH (fillfactor = 50);

CREATE TABLE upkeep_passes (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    number       BIGINT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'paused', 'done', 'stopped')),
    cause        TEXT COLLATE "C" NOT NULL CHECK (cause IN ('asked', 'due', 'published')),
    upgrades     BOOLEAN NOT NULL,
    version      TEXT NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    begun_at     BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    total        BIGINT NOT NULL,
    looked       BIGINT NOT NULL,
    cursor       TEXT COLLATE "C" NOT NULL, -- everybody up to this person was looked at
    fence        BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    rest_till    BIGINT NOT NULL,
    problem      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, number)
) WITH (fillfactor = 50);
-- One is live at a time.
CREATE UNIQUE INDEX upkeep_passes_live ON upkeep_passes (tenant_id) WHERE state IN ('running', 'paused');

CREATE TABLE upkeep_findings (
    tenant_id TEXT COLLATE "C" NOT NULL,
    number    BIGINT NOT NULL,
    finding   TEXT COLLATE "C" NOT NULL CHECK (finding IN ('fine', 'outdated', 'upgraded', 'not_upgraded', 'found', 'put_back', 'vanished', 'fresh', 'unknown')),
    reason    TEXT COLLATE "C" NOT NULL,
    people    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, number, finding, reason)
);

-- What was seen at a person last: of_pass says whether this pass has been there.
CREATE TABLE tended (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    of_pass   BIGINT NOT NULL,
    version   TEXT NOT NULL,
    there_at  BIGINT NOT NULL, -- when the app was last seen to be there
    PRIMARY KEY (tenant_id, entra_id)
) WITH (fillfactor = 70);

CREATE INDEX tended_version ON tended (tenant_id, version) WHERE version <> '';

-- The audit of what people did here; append only.
CREATE TABLE upkeep_moves (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    what      TEXT NOT NULL,
    by_id     TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Teams an admin wants the app in, by the group behind each.
CREATE TABLE joins (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    group_id     TEXT COLLATE "C" NOT NULL,
    name         TEXT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('wanted', 'installed', 'refused')),
    reason       TEXT COLLATE "C" NOT NULL,
    detail       TEXT NOT NULL,
    attempts     BIGINT NOT NULL,
    not_before   BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    asked_at     BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, group_id)
);
CREATE INDEX joins_due ON joins (tenant_id, not_before) WHERE state = 'wanted';
