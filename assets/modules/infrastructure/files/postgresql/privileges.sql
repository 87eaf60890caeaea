-- Who may enter the application's database.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'app_database') \gexec
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', :'app_database', :'app_role') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', :'app_database', :'exporter_role') \gexec
SELECT format('GRANT USAGE ON SCHEMA public TO %I', :'app_role') \gexec
