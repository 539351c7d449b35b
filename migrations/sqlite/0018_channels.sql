-- A channel is found by its own ID: deliveries to channels know no team.
-- +goose Up
CREATE INDEX channels_by_id ON channels (tenant_id, channel_id);

-- What the planner should believe of it (0004).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('channels', 'channels_by_id', '10000 10000 1');
ANALYZE sqlite_schema;
