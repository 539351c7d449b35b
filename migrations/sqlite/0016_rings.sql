-- The rollout in rings, who is in which, and how far it was at which time.
-- +goose Up
ALTER TABLE rollouts ADD COLUMN why TEXT NOT NULL DEFAULT ''; -- why it paused by itself; '' if somebody did
ALTER TABLE rollouts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0; -- grows with every change of the rings
ALTER TABLE rollouts ADD COLUMN looked_at INTEGER NOT NULL DEFAULT 0; -- when everybody was last counted,
ALTER TABLE rollouts ADD COLUMN look_from INTEGER NOT NULL DEFAULT 0; -- and when they may be again
ALTER TABLE rollout_moves ADD COLUMN event TEXT NOT NULL DEFAULT 'start' CHECK (event IN ('start', 'pause', 'change', 'open', 'finish', 'hold', 'go'));
ALTER TABLE rollout_moves ADD COLUMN ring TEXT NOT NULL DEFAULT ''; -- its name then
ALTER TABLE rollout_moves ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE rollout_moves SET event = 'pause' WHERE to_state = 'paused';

-- The last ring is 'everyone'; without a row it waits.
CREATE TABLE rings (
    tenant_id          TEXT NOT NULL,
    id                 TEXT NOT NULL,
    position           INTEGER NOT NULL,
    name               TEXT NOT NULL,
    audience           TEXT NOT NULL,
    by_itself          BOOLEAN NOT NULL, -- the next opens by itself
    max_failed_percent INTEGER NOT NULL CHECK (max_failed_percent BETWEEN 0 AND 100),
    settle             INTEGER NOT NULL, -- milliseconds it is watched before it is done
    state              TEXT NOT NULL CHECK (state IN ('waiting', 'open', 'held', 'done')),
    opened_at          INTEGER NOT NULL,
    quiet_since        INTEGER NOT NULL, -- when everybody in it was tried
    done_at            INTEGER NOT NULL,
    excused            INTEGER NOT NULL, -- failures with which it was held
    filled             BOOLEAN NOT NULL, -- everybody in it is wanted
    fill_after         TEXT NOT NULL, -- else the last who is
    problem            TEXT NOT NULL, -- why its people could not be read
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
-- Those who already had the app of everybody go on having it.
INSERT INTO rings (tenant_id, id, position, name, audience, by_itself, max_failed_percent, settle, state, opened_at, quiet_since, done_at, excused, filled, fill_after, problem)
    SELECT tenant_id, 'everyone', 1000000, 'Everyone', '{"include":[{"kind":"everyone"}]}', FALSE, 100, 0, 'open', changed_at, 0, 0, 0, FALSE, '', ''
    FROM rollouts WHERE state <> 'idle';

-- Who is in a ring that was opened: the first that had them. All others are in the last.
CREATE TABLE ring_people (
    tenant_id TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    ring_id   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;

-- How many people were in which state; older ones are thinned out.
CREATE TABLE rollout_samples (
    tenant_id TEXT NOT NULL,
    at        INTEGER NOT NULL,
    installed INTEGER NOT NULL,
    wanted    INTEGER NOT NULL,
    refused   INTEGER NOT NULL,
    removed   INTEGER NOT NULL,
    blocked   INTEGER NOT NULL,
    untouched INTEGER NOT NULL,
    reasons   TEXT NOT NULL, -- JSON: how many for each reason
    PRIMARY KEY (tenant_id, at)
) WITHOUT ROWID;

-- What the planner should believe of what is new (0004).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('rings', 'rings', '10 10 1'),
    ('ring_people', 'ring_people', '500000 500000 1'),
    ('rollout_samples', 'rollout_samples', '1000 1000 1');
ANALYZE sqlite_schema;
