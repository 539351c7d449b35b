-- More of what the directory says of people, who reports to whom, how reading it
-- went, and what became of each person's installation over time.
-- +goose Up
ALTER TABLE people
    ADD COLUMN user_type      TEXT COLLATE "C" NOT NULL DEFAULT '', -- member or guest, as the directory says; '' for old members
    ADD COLUMN city           TEXT NOT NULL DEFAULT '',
    ADD COLUMN usage_location TEXT NOT NULL DEFAULT '',
    ADD COLUMN time_zone      TEXT NOT NULL DEFAULT '', -- from what people send to the bot; '' where unknown
    ADD COLUMN manager_id     TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Whoever reports to somebody, straight.
CREATE INDEX people_manager ON people (tenant_id, manager_id, entra_id) WHERE manager_id <> '';

-- The delta link carries the list of properties: with more of them everybody is read anew.
ALTER TABLE directory_cursors
    ADD COLUMN managers_link TEXT NOT NULL DEFAULT '',
    ADD COLUMN managers_at   BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN problem       TEXT NOT NULL DEFAULT '',
    ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN failed_at     BIGINT NOT NULL DEFAULT 0;
UPDATE directory_cursors SET link = '', full_read = FALSE;

CREATE TABLE installation_moves (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    event     TEXT COLLATE "C" NOT NULL CHECK (event IN ('wanted', 'installed', 'refused', 'removed', 'blocked', 'addressed', 'forgotten')),
    reason    TEXT COLLATE "C" NOT NULL,
    detail    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, entra_id, at, event)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.1);
-- What is old goes first.
CREATE INDEX installation_moves_old ON installation_moves (tenant_id, at);

-- The database writes the history, so that no statement can forget to: a line for
-- each change of state, reason or address. What only takes a lease writes none.
-- Price: one INSERT … SELECT over what the statement changed, as much as its own
-- work on a row at the most; installations change a few times in a person's life.
-- +goose StatementBegin
CREATE FUNCTION installations_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT n.tenant_id, n.entra_id, n.updated_at, n.state, n.reason, n.detail FROM new_rows n
    UNION ALL
    SELECT n.tenant_id, n.entra_id, n.updated_at, 'addressed', '', '' FROM new_rows n WHERE n.conversation_id <> ''
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION installations_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT n.tenant_id, n.entra_id, n.updated_at, n.state, n.reason, n.detail
    FROM new_rows n JOIN old_rows o ON o.tenant_id = n.tenant_id AND o.entra_id = n.entra_id
    WHERE n.state <> o.state OR n.reason <> o.reason
    UNION ALL
    SELECT n.tenant_id, n.entra_id, n.updated_at, CASE WHEN n.conversation_id <> '' THEN 'addressed' ELSE 'forgotten' END, '', ''
    FROM new_rows n JOIN old_rows o ON o.tenant_id = n.tenant_id AND o.entra_id = n.entra_id
    WHERE n.conversation_id <> o.conversation_id AND (n.conversation_id <> '' OR n.state = 'installed')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER installations_begun AFTER INSERT ON installations REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION installations_begun();
CREATE TRIGGER installations_moved AFTER UPDATE ON installations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION installations_moved();

-- What was before is known by its last line only.
INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT tenant_id, entra_id, updated_at, state, reason, detail FROM installations;
