-- More of what the directory says of people, who reports to whom, how reading it
-- went, and what became of each person's installation over time.
-- +goose Up
ALTER TABLE people ADD COLUMN user_type TEXT NOT NULL DEFAULT ''; -- member or guest, as the directory says; '' for old members
ALTER TABLE people ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN usage_location TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN time_zone TEXT NOT NULL DEFAULT ''; -- from what people send to the bot; '' where unknown
ALTER TABLE people ADD COLUMN manager_id TEXT NOT NULL DEFAULT '';
-- Whoever reports to somebody, straight.
CREATE INDEX people_manager ON people (tenant_id, manager_id, entra_id) WHERE manager_id <> '';

-- The delta link carries the list of properties: with more of them everybody is read anew.
ALTER TABLE directory_cursors ADD COLUMN managers_link TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_cursors ADD COLUMN managers_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE directory_cursors ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_cursors ADD COLUMN failing_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE directory_cursors ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
UPDATE directory_cursors SET link = '', full_read = FALSE;

CREATE TABLE installation_moves (
    tenant_id TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    at        INTEGER NOT NULL,
    event     TEXT NOT NULL CHECK (event IN ('wanted', 'installed', 'refused', 'removed', 'blocked', 'addressed', 'forgotten')),
    reason    TEXT NOT NULL,
    detail    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, entra_id, at, event)
) WITHOUT ROWID;
-- What is old goes first.
CREATE INDEX installation_moves_old ON installation_moves (tenant_id, at);

-- The database writes the history, so that no statement can forget to: a line for
-- each change of state, reason or address. What only takes a lease writes none.
-- Price: a row more for each that changed.
-- +goose StatementBegin
CREATE TRIGGER installations_begun AFTER INSERT ON installations BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT NEW.tenant_id, NEW.entra_id, NEW.updated_at, NEW.state, NEW.reason, NEW.detail
    UNION ALL
    SELECT NEW.tenant_id, NEW.entra_id, NEW.updated_at, 'addressed', '', '' WHERE NEW.conversation_id <> ''
    ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER installations_moved AFTER UPDATE OF state, reason ON installations WHEN NEW.state <> OLD.state OR NEW.reason <> OLD.reason BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    VALUES (NEW.tenant_id, NEW.entra_id, NEW.updated_at, NEW.state, NEW.reason, NEW.detail)
    ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER installations_addressed AFTER UPDATE OF conversation_id ON installations
    WHEN NEW.conversation_id <> OLD.conversation_id AND (NEW.conversation_id <> '' OR NEW.state = 'installed') BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    VALUES (NEW.tenant_id, NEW.entra_id, NEW.updated_at, CASE WHEN NEW.conversation_id <> '' THEN 'addressed' ELSE 'forgotten' END, '', '')
    ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- What was before is known by its last line only.
INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT tenant_id, entra_id, updated_at, state, reason, detail FROM installations;

-- What the planner should believe of what is new (0004).
DELETE FROM sqlite_stat1 WHERE tbl = 'installation_moves' OR idx = 'people_manager';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('people', 'people_manager', '1000000 1000000 10 1'),
    ('installation_moves', 'installation_moves', '3000000 3000000 3 1 1'),
    ('installation_moves', 'installation_moves_old', '3000000 3000000 10');
ANALYZE sqlite_schema;
