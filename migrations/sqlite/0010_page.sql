-- Nothing: here people and installations lie in the order in which a list is written.
-- +goose Up
SELECT 1;
