-- Roles and database of one server; every statement may be run again.

-- These statements hold passwords: nothing of them may reach the server's log.
SET client_min_messages = 'warning';
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

\set app_password `cat "$APP_PASSWORD_FILE"`
\set exporter_password `cat "$EXPORTER_PASSWORD_FILE"`

SELECT format('CREATE ROLE %I', :'app_role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'app_role') \gexec
SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L',
              :'app_role', :'app_password') \gexec

SELECT format('CREATE ROLE %I', :'exporter_role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'exporter_role') \gexec
SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5 PASSWORD %L',
              :'exporter_role', :'exporter_password') \gexec
SELECT format('GRANT pg_monitor TO %I', :'exporter_role') \gexec

SELECT format('CREATE DATABASE %I', :'app_database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'app_database') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', :'app_database',
              CASE WHEN :'app_owns' = 'yes' THEN :'app_role' ELSE current_user END) \gexec
