-- What the doors and the budget remember.
-- +goose Up

-- Activities Teams posted. Handled ones stay a while to recognise a redelivery.
CREATE TABLE inbox (
    tenant_id       TEXT NOT NULL,
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL,
    activity_id     TEXT NOT NULL,
    body            BLOB NOT NULL,
    received_at     INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    leased_until    INTEGER NOT NULL,
    handled_at      INTEGER NOT NULL,
    UNIQUE (tenant_id, conversation_id, activity_id)
);
CREATE INDEX inbox_waiting ON inbox (tenant_id) WHERE handled_at = 0;
CREATE INDEX inbox_handled ON inbox (tenant_id, handled_at) WHERE handled_at > 0;

-- Sign-in sessions; the token itself is never stored.
CREATE TABLE sessions (
    tenant_id  TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    data       BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, token_hash)
) WITHOUT ROWID;
CREATE INDEX sessions_expiry ON sessions (tenant_id, expires_at);

CREATE TABLE api_keys (
    tenant_id    TEXT NOT NULL,
    id           TEXT NOT NULL,
    hash         TEXT NOT NULL,
    name         TEXT NOT NULL,
    owner_id     TEXT NOT NULL,
    owner_name   TEXT NOT NULL,
    roles        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, hash)
);
CREATE INDEX api_keys_owner ON api_keys (tenant_id, owner_id, id);

-- One row per family of calls: a token bucket in millionths of a request, on the
-- database's clock in microseconds. granted is the answer to the latest lease.
CREATE TABLE budgets (
    tenant_id    TEXT NOT NULL,
    family       TEXT NOT NULL,
    micro        INTEGER NOT NULL,
    filled_at    INTEGER NOT NULL,
    paused_until INTEGER NOT NULL,
    granted      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, family)
) WITHOUT ROWID;
