-- The tables the login server expects and does not make itself. The administrator owns them; the
-- application may read and write them and nothing more.
SET client_min_messages = 'warning';

CREATE TABLE IF NOT EXISTS webauthn_users_secure (
    user_handle_hash    char(64)  PRIMARY KEY,
    username_hash       char(64)  NOT NULL UNIQUE,
    encrypted_user_data text      NOT NULL,
    created_at          timestamp DEFAULT now()
);

CREATE TABLE IF NOT EXISTS webauthn_credentials_secure (
    credential_id_hash        char(64)  PRIMARY KEY,
    user_handle_hash          char(64)  NOT NULL
        REFERENCES webauthn_users_secure (user_handle_hash) ON DELETE CASCADE,
    encrypted_credential_data text      NOT NULL,
    registration_time         timestamp DEFAULT now()
);

CREATE TABLE IF NOT EXISTS jwt_signing_keys (
    key_id          varchar(64) PRIMARY KEY,
    private_key_pem text        NOT NULL,
    public_key_pem  text        NOT NULL,
    algorithm       varchar(16) NOT NULL DEFAULT 'RS256',
    key_size        integer     NOT NULL DEFAULT 2048,
    status          varchar(16) NOT NULL
        CHECK (status IN ('PENDING', 'ACTIVE', 'RETIRED', 'DELETED')),
    created_at      timestamp   NOT NULL DEFAULT now(),
    activated_at    timestamp,
    retired_at      timestamp,
    expires_at      timestamp,
    metadata        jsonb
);

CREATE TABLE IF NOT EXISTS jwt_key_audit_log (
    id          serial      PRIMARY KEY,
    key_id      varchar(64) NOT NULL
        REFERENCES jwt_signing_keys (key_id) ON DELETE CASCADE,
    event       varchar(32) NOT NULL,
    "timestamp" timestamp   NOT NULL DEFAULT now(),
    metadata    jsonb
);

CREATE INDEX IF NOT EXISTS webauthn_users_by_name
    ON webauthn_users_secure (username_hash);
CREATE INDEX IF NOT EXISTS webauthn_credentials_by_user
    ON webauthn_credentials_secure (user_handle_hash);
-- The login server relies on there being at most one active key.
CREATE UNIQUE INDEX IF NOT EXISTS jwt_signing_keys_one_active
    ON jwt_signing_keys (status) WHERE status = 'ACTIVE';
CREATE INDEX IF NOT EXISTS jwt_signing_keys_by_status
    ON jwt_signing_keys (status);
CREATE INDEX IF NOT EXISTS jwt_signing_keys_by_expiry
    ON jwt_signing_keys (expires_at) WHERE status = 'RETIRED';
CREATE INDEX IF NOT EXISTS jwt_signing_keys_newest_first
    ON jwt_signing_keys (created_at DESC);
CREATE INDEX IF NOT EXISTS jwt_key_audit_log_by_key
    ON jwt_key_audit_log (key_id);
CREATE INDEX IF NOT EXISTS jwt_key_audit_log_newest_first
    ON jwt_key_audit_log ("timestamp" DESC);
CREATE INDEX IF NOT EXISTS jwt_key_audit_log_by_event
    ON jwt_key_audit_log (event);

SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON webauthn_users_secure, '
              'webauthn_credentials_secure, jwt_signing_keys, jwt_key_audit_log TO %I',
              :'app_role') \gexec
SELECT format('GRANT USAGE, SELECT ON SEQUENCE jwt_key_audit_log_id_seq TO %I', :'app_role') \gexec
