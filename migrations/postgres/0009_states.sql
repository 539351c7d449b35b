-- No index knows of a delivery's state any more: an update that leaves every index
-- as it is stays in its page (HOT), if there is room for it. So half of each page is
-- left free; the second versions used to take as much, elsewhere. Whoever is neither
-- ready nor sent has a reason, and is found by it.
-- +goose Up
UPDATE deliveries SET reason = 'not_installed' WHERE state = 'pending' AND reason = '';
UPDATE deliveries SET reason = state WHERE state IN ('cancelled', 'expired') AND reason = '';
DROP INDEX deliveries_state;
DROP INDEX deliveries_live;
-- +goose StatementBegin
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'deliveries'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 45)', part);
    END LOOP;
END $$;
-- +goose StatementEnd

-- Whether the pause that runs is for an outage of Teams, and not what a 429 asked.
ALTER TABLE budgets ADD COLUMN outage BOOLEAN NOT NULL DEFAULT FALSE;
