-- The rollout in rings, who is in which, and how far it was at which time.
-- +goose Up
ALTER TABLE rollouts
    ADD COLUMN why       TEXT NOT NULL DEFAULT '', -- why it paused by itself; '' if somebody did
    ADD COLUMN revision  BIGINT NOT NULL DEFAULT 0, -- grows with every change of the rings
    ADD COLUMN looked_at BIGINT NOT NULL DEFAULT 0, -- when everybody was last counted,
    ADD COLUMN look_from BIGINT NOT NULL DEFAULT 0; -- and when they may be again
ALTER TABLE rollout_moves
    ADD COLUMN event TEXT COLLATE "C" NOT NULL DEFAULT 'start' CHECK (event IN ('start', 'pause', 'change', 'open', 'finish', 'hold', 'go')),
    ADD COLUMN ring  TEXT NOT NULL DEFAULT '', -- its name then
    ADD COLUMN note  TEXT NOT NULL DEFAULT '';
UPDATE rollout_moves SET event = 'pause' WHERE to_state = 'paused';

-- The last ring is 'everyone'; without a row it waits.
CREATE TABLE rings (
    tenant_id          TEXT COLLATE "C" NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    position           BIGINT NOT NULL,
    name               TEXT NOT NULL,
    audience           TEXT NOT NULL,
    by_itself          BOOLEAN NOT NULL, -- the next opens by itself
    max_failed_percent BIGINT NOT NULL CHECK (max_failed_percent BETWEEN 0 AND 100),
    settle             BIGINT NOT NULL, -- milliseconds it is watched before it is done
    state              TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'open', 'held', 'done')),
    opened_at          BIGINT NOT NULL,
    quiet_since        BIGINT NOT NULL, -- when everybody in it was tried
    done_at            BIGINT NOT NULL,
    excused            BIGINT NOT NULL, -- failures with which it was held
    filled             BOOLEAN NOT NULL, -- everybody in it is wanted
    fill_after         TEXT COLLATE "C" NOT NULL, -- else the last who is
    problem            TEXT NOT NULL, -- why its people could not be read
    PRIMARY KEY (tenant_id, id)
);
-- Those who already had the app of everybody go on having it.
INSERT INTO rings (tenant_id, id, position, name, audience, by_itself, max_failed_percent, settle, state, opened_at, quiet_since, done_at, excused, filled, fill_after, problem)
    SELECT tenant_id, 'everyone', 1000000, 'Everyone', '{"include":[{"kind":"everyone"}]}', FALSE, 100, 0, 'open', changed_at, 0, 0, 0, FALSE, '', ''
    FROM rollouts WHERE state <> 'idle';

-- Who is in a ring that was opened: the first that had them. All others are in the last.
CREATE TABLE ring_people (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    ring_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
);

-- How many people were in which state; older ones are thinned out.
CREATE TABLE rollout_samples (
    tenant_id TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    installed BIGINT NOT NULL,
    wanted    BIGINT NOT NULL,
    refused   BIGINT NOT NULL,
    removed   BIGINT NOT NULL,
    blocked   BIGINT NOT NULL,
    untouched BIGINT NOT NULL,
    reasons   TEXT NOT NULL, -- JSON: how many for each reason
    PRIMARY KEY (tenant_id, at)
);
