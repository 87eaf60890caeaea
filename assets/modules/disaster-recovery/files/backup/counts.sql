-- Counts what is dumped and has it dumped, both as of one moment. A line each: table, rows, and a sum
-- of its columns.
--
-- counts    the file to write to
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\t'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\o :counts
\i :tables
\o
\! sh "$SCRIPTS/dump-one.sh"
COMMIT;
