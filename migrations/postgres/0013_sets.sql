-- Who is in the parts of an audience: sets that never change once they were read to
-- their end. owner is a broadcast, or '' for a head-count; current is the one its
-- owner goes by. The others are dropped by the sweep.
-- +goose Up
CREATE TABLE audience_sets (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    owner     TEXT COLLATE "C" NOT NULL,
    part      TEXT COLLATE "C" NOT NULL,
    begun_at  BIGINT NOT NULL,
    read_at   BIGINT NOT NULL,
    current   BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX audience_sets_current ON audience_sets (tenant_id, owner, part) WHERE current;
CREATE TABLE audience_members (
    tenant_id TEXT COLLATE "C" NOT NULL,
    set_id    TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, set_id, entra_id)
);
