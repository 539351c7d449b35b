-- Who is in the organisation, and where our bot stands at each of them. WITHOUT
-- ROWID: a row lies in its primary key, so a look-up is one walk and not two.
-- +goose Up
CREATE TABLE people (
    tenant_id  TEXT NOT NULL,
    entra_id   TEXT NOT NULL,
    name       TEXT NOT NULL,
    upn        TEXT NOT NULL,
    mail       TEXT NOT NULL,
    guest      BOOLEAN NOT NULL,
    enabled    BOOLEAN NOT NULL,
    licensed   BOOLEAN NOT NULL,
    deleted    BOOLEAN NOT NULL,
    -- Person.Excluded as a column: a law test compares the two.
    excluded   TEXT GENERATED ALWAYS AS (CASE WHEN deleted THEN 'deleted' WHEN NOT enabled THEN 'disabled' WHEN guest THEN 'guest' WHEN NOT licensed THEN 'unlicensed' ELSE '' END) STORED,
    department TEXT NOT NULL,
    office     TEXT NOT NULL,
    country    TEXT NOT NULL,
    job_title  TEXT NOT NULL,
    language   TEXT NOT NULL,
    -- The words of name and UPN, lower-cased, each after a space: " anna berg contoso com".
    search     TEXT NOT NULL,
    round      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;

-- One row per person and word of people.search: finds by the beginning of a word
-- without reading everybody.
CREATE TABLE people_words (
    tenant_id TEXT NOT NULL,
    word      TEXT NOT NULL,
    entra_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, word, entra_id)
) WITHOUT ROWID;

CREATE TABLE directory_cursors (
    tenant_id   TEXT NOT NULL PRIMARY KEY,
    link        TEXT NOT NULL,
    round       INTEGER NOT NULL,
    full_read   BOOLEAN NOT NULL,
    finished_at INTEGER NOT NULL
);

-- The bot at one person, with the address of their chat: one row, because every
-- event changes both and every send reads both. conversation_id '' is unknown.
CREATE TABLE installations (
    tenant_id          TEXT NOT NULL,
    entra_id           TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN ('wanted', 'installed', 'refused', 'removed', 'blocked')),
    reason             TEXT NOT NULL,
    detail             TEXT NOT NULL,
    attempts           INTEGER NOT NULL,
    not_before         INTEGER NOT NULL,
    fence              INTEGER NOT NULL,
    leased_until       INTEGER NOT NULL,
    service_url        TEXT NOT NULL,
    conversation_id    TEXT NOT NULL,
    channel_account_id TEXT NOT NULL,
    updated_at         INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, entra_id)
) WITHOUT ROWID;
CREATE INDEX installations_due ON installations (tenant_id, not_before) WHERE state = 'wanted' OR (state = 'installed' AND conversation_id = '');
CREATE INDEX installations_state ON installations (tenant_id, state, entra_id);
CREATE INDEX installations_reason ON installations (tenant_id, reason, entra_id) WHERE reason <> '';

CREATE TABLE rollouts (
    tenant_id  TEXT NOT NULL PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('idle', 'running', 'paused')),
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

-- The audit trail of the rollout; append only.
CREATE TABLE rollout_moves (
    tenant_id  TEXT NOT NULL,
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    at         INTEGER NOT NULL
);
