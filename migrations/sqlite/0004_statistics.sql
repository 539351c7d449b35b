-- What SQLite's planner should believe: large tables, one tenant, few broadcasts.
-- Without statistics it takes an equality on two columns for ten rows and reads a
-- whole broadcast to find one person in it; with statistics of its own making,
-- plans would change with the data. These never do. Each line is an index with its
-- rows, then how many share the first column, the first two, and so on.
-- +goose Up
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('people', 'people', '1000000 1000000 1'),
    ('people_words', 'people_words', '5000000 5000000 100 1'),
    ('installations', 'installations', '1000000 1000000 1'),
    ('installations', 'installations_due', '1000 1000 10'),
    ('installations', 'installations_state', '1000000 1000000 250000 1'),
    ('installations', 'installations_reason', '1000 1000 100 1'),
    ('broadcasts', 'sqlite_autoindex_broadcasts_1', '1000 1000 1'),
    ('broadcasts', 'broadcasts_state', '1000 1000 100 1'),
    ('tallies', 'tallies', '1000 1000 1'),
    ('moves', 'sqlite_autoindex_moves_1', '10000 10000 10 1'),
    ('chunks', 'chunks', '100000 100000 5000 1'),
    ('chunks', 'chunks_due', '5000 5000 1000 10'),
    ('deliveries', 'sqlite_autoindex_deliveries_1', '10000000 10000000 1000000 1'),
    ('deliveries', 'deliveries_page', '10000000 10000000 1000000'),
    ('deliveries', 'deliveries_state', '10000000 10000000 1000000 200000'),
    ('deliveries', 'deliveries_reason', '100000 100000 10000 1000'),
    ('deliveries', 'deliveries_live', '1000000 1000000 2'),
    ('inbox', 'sqlite_autoindex_inbox_1', '1000000 1000000 5 1'),
    ('inbox', 'inbox_waiting', '100 100'),
    ('inbox', 'inbox_handled', '1000000 1000000 10');
ANALYZE sqlite_schema;
