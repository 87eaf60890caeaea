-- One line for each table that is not the server's own: name, rows, a sum of names, kinds and
-- obligations of its columns.
SELECT format('SELECT %L, (SELECT count(*) FROM %I.%I), %L',
              n.nspname || '.' || c.relname, n.nspname, c.relname,
              (SELECT md5(coalesce(string_agg(format('%s %s %s', a.attname,
                        format_type(a.atttypid, a.atttypmod), a.attnotnull), ',' ORDER BY a.attnum), ''))
               FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname \gexec
