-- A channel is found by its own ID: deliveries to channels know no team.
-- +goose Up
CREATE INDEX channels_by_id ON channels (tenant_id, channel_id);
