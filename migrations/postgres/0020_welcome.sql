-- The welcome message: a broadcast that stands and takes in whoever gets the app for the
-- first time; and who that is.
-- +goose Up
ALTER TABLE broadcasts DROP CONSTRAINT broadcasts_kind_check;
ALTER TABLE broadcasts ADD CHECK (kind IN ('announcement', 'edit', 'recall', 'welcome', 'post'));
CREATE INDEX broadcasts_welcome ON broadcasts (tenant_id, started_at, id) WHERE kind = 'welcome';

-- When the app reached somebody for the first time, ever; seen_at is when that was
-- looked at, 0 for not yet.
CREATE TABLE newcomers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entra_id  TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITH (fillfactor = 85, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE INDEX newcomers_arrived ON newcomers (tenant_id, at, entra_id) WHERE seen_at = 0;

-- When the bot was added to a team; seen_at is when that was looked at, 0 for not yet.
CREATE TABLE team_arrivals (
    tenant_id TEXT COLLATE "C" NOT NULL,
    team_id   TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, team_id, at)
);
CREATE INDEX team_arrivals_new ON team_arrivals (tenant_id, at, team_id) WHERE seen_at = 0;

-- Whoever had the app before is no newcomer.
INSERT INTO newcomers (tenant_id, entra_id, at, seen_at)
    SELECT i.tenant_id, i.entra_id, i.updated_at, i.updated_at FROM installations i
    WHERE i.conversation_id <> '' OR i.state IN ('removed', 'blocked')
        OR EXISTS (SELECT 1 FROM installation_moves m WHERE m.tenant_id = i.tenant_id AND m.entra_id = i.entra_id AND m.event = 'addressed');

-- The database writes it with the history (0011). Price: nothing where that wrote
-- nothing, as when only a lease is taken; else a look-up for each who is reached.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION installations_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO installation_moves (tenant_id, entra_id, at, event, reason, detail)
    SELECT n.tenant_id, n.entra_id, n.updated_at, n.state, n.reason, n.detail FROM new_rows n
    UNION ALL
    SELECT n.tenant_id, n.entra_id, n.updated_at, 'addressed', '', '' FROM new_rows n WHERE n.conversation_id <> ''
    ON CONFLICT DO NOTHING;
    INSERT INTO newcomers (tenant_id, entra_id, at, seen_at)
    SELECT n.tenant_id, n.entra_id, n.updated_at, 0 FROM new_rows n WHERE n.state = 'installed' AND n.conversation_id <> ''
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION installations_moved() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF FOUND THEN
        INSERT INTO newcomers (tenant_id, entra_id, at, seen_at)
        SELECT n.tenant_id, n.entra_id, n.updated_at, 0 FROM new_rows n WHERE n.state = 'installed' AND n.conversation_id <> ''
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
