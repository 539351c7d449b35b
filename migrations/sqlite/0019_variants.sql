-- How many variants in other languages a message has: where there are none, sending
-- does not ask for anybody's language. (The variants themselves are in the message.)
-- +goose Up
ALTER TABLE broadcasts ADD COLUMN variants INTEGER NOT NULL DEFAULT 0;
