-- PostgreSQL keeps statistics itself; for tables that grow by a million rows in
-- minutes it should do so, and clean up after updates, well before its defaults
-- (a tenth and a fifth of the table) say.
-- +goose Up
ALTER TABLE deliveries SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
ALTER TABLE installations SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE chunks SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02);
