-- No index knows of a delivery's state any more, so that storing an outcome changes
-- none. Whoever is neither ready nor sent has a reason, and is found by it.
-- +goose Up
UPDATE deliveries SET reason = 'not_installed' WHERE state = 'pending' AND reason = '';
UPDATE deliveries SET reason = state WHERE state IN ('cancelled', 'expired') AND reason = '';
DROP INDEX deliveries_state;
DROP INDEX deliveries_live;
ANALYZE sqlite_schema;

-- Whether the pause that runs is for an outage of Teams, and not what a 429 asked.
ALTER TABLE budgets ADD COLUMN outage BOOLEAN NOT NULL DEFAULT FALSE;
