-- A page of a list is read from these indexes alone. Before, people and installations
-- were fetched one by one from where they happen to lie, which was half of what
-- writing the list cost.
-- +goose Up
ALTER TABLE people DROP CONSTRAINT people_pkey, ADD PRIMARY KEY (tenant_id, entra_id) INCLUDE (since, deleted, updated_at, excluded);
CREATE INDEX installations_there ON installations (tenant_id, entra_id) WHERE state = 'installed' AND conversation_id <> '';
CREATE INDEX installations_absent ON installations (tenant_id, entra_id) WHERE NOT (state = 'installed' AND conversation_id <> '');
