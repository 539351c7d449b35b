-- Late joiners: who can be reached since when, and up to when each broadcast has
-- looked. An installation changes a few times in its life (installing a million
-- takes ten hours), so the index costs nothing that is felt.
-- +goose Up
CREATE INDEX installations_reached ON installations (tenant_id, updated_at, entra_id) WHERE state = 'installed' AND conversation_id <> '';

-- Who came into the directory after a list was frozen.
CREATE INDEX people_since ON people (tenant_id, since);

CREATE TABLE late_cursors (
    tenant_id    TEXT COLLATE "C" NOT NULL,
    broadcast_id TEXT COLLATE "C" NOT NULL,
    seen_to      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, broadcast_id)
);
