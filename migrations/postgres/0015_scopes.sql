-- Whom authors may reach, and how many broadcasts people got lately.
-- +goose Up
CREATE TABLE scopes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    person    TEXT COLLATE "C" NOT NULL, -- 'default' for all without one of their own
    name      TEXT NOT NULL,
    audience  TEXT NOT NULL,
    by_id     TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, person)
);
-- The audit of scopes; append only. '' is no scope.
CREATE TABLE scope_changes (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    person        TEXT NOT NULL,
    name          TEXT NOT NULL,
    from_audience TEXT NOT NULL,
    to_audience   TEXT NOT NULL,
    by_id         TEXT NOT NULL,
    by_name       TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Admins who stand for a broadcast exactly as its fingerprint says.
CREATE TABLE scope_vouchers (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    broadcast_id TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL,
    by_id        TEXT NOT NULL,
    by_name      TEXT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id, hash)
);

-- How many announcements somebody got in the last 7 and 30 days; nobody with none.
-- Counted anew from deliveries, so nothing in it can drift.
CREATE TABLE received (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    week      BIGINT NOT NULL CHECK (week >= 0),
    month     BIGINT NOT NULL CHECK (month > 0),
    PRIMARY KEY (tenant_id, entra_id)
) WITH (fillfactor = 70);
-- How far the counting has come: after is the last person counted, counted what there
-- was to count when the round began.
CREATE TABLE received_rounds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    counted   TEXT NOT NULL,
    day       BIGINT NOT NULL,
    after     TEXT COLLATE "C" NOT NULL,
    begun_at  BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);
