-- The welcome message: a broadcast that stands and takes in whoever gets the app for the
-- first time; and who that is.
-- +goose Up
-- SQLite cannot change a CHECK: the table is built anew.
CREATE TABLE broadcasts_new (
    tenant_id         TEXT NOT NULL,
    id                TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('draft', 'in_review', 'rejected', 'approved', 'scheduled', 'resolving', 'sending', 'paused', 'held', 'sent', 'cancelled', 'failed')),
    revision          INTEGER NOT NULL,
    title_search      TEXT NOT NULL,
    message           TEXT NOT NULL,
    audience          TEXT NOT NULL,
    author_id         TEXT NOT NULL,
    author_name       TEXT NOT NULL,
    editors           TEXT NOT NULL,
    submitted_by_id   TEXT NOT NULL,
    submitted_by_name TEXT NOT NULL,
    approved_by_id    TEXT NOT NULL,
    approved_by_name  TEXT NOT NULL,
    approved_hash     TEXT NOT NULL,
    reason            TEXT NOT NULL,
    due_at            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    finished_at       INTEGER NOT NULL,
    kind              TEXT NOT NULL DEFAULT 'announcement' CHECK (kind IN ('announcement', 'edit', 'recall', 'welcome', 'post')),
    target_id         TEXT NOT NULL DEFAULT '',
    plan              TEXT NOT NULL DEFAULT '{}',
    priority          TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'normal', 'bulk')),
    expires_at        INTEGER NOT NULL DEFAULT 0,
    late              TEXT NOT NULL DEFAULT 'until_finished' CHECK (late IN ('until_finished', 'until_date', 'never')),
    late_until        INTEGER NOT NULL DEFAULT 0,
    repeats           TEXT NOT NULL DEFAULT 'risk' CHECK (repeats IN ('risk', 'avoid')),
    wave              INTEGER NOT NULL DEFAULT 1,
    expected          INTEGER NOT NULL DEFAULT 0,
    listed_at         INTEGER NOT NULL DEFAULT 0,
    retry_at          INTEGER NOT NULL DEFAULT 0,
    retry_reason      TEXT NOT NULL DEFAULT '',
    recalled_at       INTEGER NOT NULL DEFAULT 0,
    halted            BOOLEAN NOT NULL DEFAULT FALSE,
    late_count        INTEGER NOT NULL DEFAULT 0,
    variants          INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO broadcasts_new (tenant_id, id, state, revision, title_search, message, audience, author_id, author_name, editors, submitted_by_id, submitted_by_name, approved_by_id, approved_by_name, approved_hash, reason, due_at, created_at, updated_at, started_at, finished_at, kind, target_id, plan, priority, expires_at, late, late_until, repeats, wave, expected, listed_at, retry_at, retry_reason, recalled_at, halted, late_count, variants)
    SELECT tenant_id, id, state, revision, title_search, message, audience, author_id, author_name, editors, submitted_by_id, submitted_by_name, approved_by_id, approved_by_name, approved_hash, reason, due_at, created_at, updated_at, started_at, finished_at, kind, target_id, plan, priority, expires_at, late, late_until, repeats, wave, expected, listed_at, retry_at, retry_reason, recalled_at, halted, late_count, variants FROM broadcasts;
DROP TABLE broadcasts;
ALTER TABLE broadcasts_new RENAME TO broadcasts;
CREATE INDEX broadcasts_state ON broadcasts (tenant_id, state, id);
CREATE INDEX broadcasts_target ON broadcasts (tenant_id, target_id, id) WHERE target_id <> '';
CREATE INDEX broadcasts_late ON broadcasts (tenant_id, late_until) WHERE late_until > 0;
CREATE INDEX broadcasts_welcome ON broadcasts (tenant_id, started_at, id) WHERE kind = 'welcome';

-- When the app reached somebody for the first time, ever; seen_at is when that was
-- looked at, 0 for not yet.
CREATE TABLE newcomers (
    tenant_id TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    at        INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;
CREATE INDEX newcomers_arrived ON newcomers (tenant_id, at, entra_id) WHERE seen_at = 0;

-- When the bot was added to a team; seen_at is when that was looked at, 0 for not yet.
CREATE TABLE team_arrivals (
    tenant_id TEXT NOT NULL,
    team_id   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, team_id, at)
) WITHOUT ROWID;
CREATE INDEX team_arrivals_new ON team_arrivals (tenant_id, at, team_id) WHERE seen_at = 0;

-- Whoever had the app before is no newcomer.
INSERT INTO newcomers (tenant_id, entra_id, at, seen_at)
    SELECT i.tenant_id, i.entra_id, i.updated_at, i.updated_at FROM installations i
    WHERE i.conversation_id <> '' OR i.state IN ('removed', 'blocked')
        OR EXISTS (SELECT 1 FROM installation_moves m WHERE m.tenant_id = i.tenant_id AND m.entra_id = i.entra_id AND m.event = 'addressed');

-- The database writes it, so that no statement that stores an address can forget to.
-- Price: a look-up for each who is reached.
-- +goose StatementBegin
CREATE TRIGGER newcomers_begun AFTER INSERT ON installations WHEN NEW.state = 'installed' AND NEW.conversation_id <> '' BEGIN
    INSERT INTO newcomers (tenant_id, entra_id, at, seen_at) VALUES (NEW.tenant_id, NEW.entra_id, NEW.updated_at, 0) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER newcomers_reached AFTER UPDATE OF state, conversation_id ON installations
    WHEN NEW.state = 'installed' AND NEW.conversation_id <> '' AND (OLD.state <> 'installed' OR OLD.conversation_id = '') BEGIN
    INSERT INTO newcomers (tenant_id, entra_id, at, seen_at) VALUES (NEW.tenant_id, NEW.entra_id, NEW.updated_at, 0) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl IN ('broadcasts', 'broadcasts_new', 'newcomers', 'team_arrivals');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('broadcasts', 'sqlite_autoindex_broadcasts_1', '1000 1000 1'),
    ('broadcasts', 'broadcasts_state', '1000 1000 100 1'),
    ('broadcasts', 'broadcasts_target', '100 100 2 1'),
    ('broadcasts', 'broadcasts_late', '10 10 2'),
    ('broadcasts', 'broadcasts_welcome', '10 10 1 1'),
    ('newcomers', 'newcomers', '1000000 1000000 1'),
    ('newcomers', 'newcomers_arrived', '100 100 2 1'),
    ('team_arrivals', 'team_arrivals', '1000 1000 1 1'),
    ('team_arrivals', 'team_arrivals_new', '10 10 1 1');
ANALYZE sqlite_schema;
