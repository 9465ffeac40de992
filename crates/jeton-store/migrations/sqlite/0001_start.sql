-- Instants are milliseconds since 1970-01-01T00:00:00Z. AUTOINCREMENT: no number is ever given out twice.

CREATE TABLE genesis (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE key_checks (
    key_id INTEGER PRIMARY KEY,
    check_value BLOB NOT NULL
) STRICT;

CREATE TABLE apps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    -- Wiped, and only then NULL, when the app is deleted.
    client_secret BLOB,
    settings TEXT NOT NULL,
    data_key BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

-- A deleted app frees its key.
CREATE UNIQUE INDEX apps_key ON apps (key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX apps_default ON apps (is_default) WHERE is_default = 1 AND deleted_at IS NULL;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id INTEGER NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    digest_key_id INTEGER NOT NULL,
    is_foreign INTEGER NOT NULL,
    sealed BLOB,
    user_id TEXT,
    user_is_stand_in INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    disabled_by TEXT,
    revoked_at INTEGER,
    title TEXT,
    tags TEXT,
    description TEXT,
    permissions_as_sent TEXT,
    scopes TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- Covers revoked tokens too: their digests are tombstones.
CREATE UNIQUE INDEX tokens_digest ON tokens (digest, app_id);
-- Lists and counts. The columns after the number are there so that a count reads the index alone; SQLite wants among them
-- also the one that is always NULL.
CREATE INDEX tokens_live ON tokens (app_id, id, kind, revoked_at) WHERE revoked_at IS NULL;
CREATE INDEX tokens_live_by_user ON tokens (app_id, user_id, id, kind, user_is_stand_in, revoked_at)
    WHERE revoked_at IS NULL AND user_id IS NOT NULL;
-- The sweeps: each batch finds its rows without reading those that earlier batches are done with.
CREATE INDEX tokens_revoked ON tokens (app_id) WHERE revoked_at IS NOT NULL;
CREATE INDEX tokens_sealed ON tokens (app_id) WHERE sealed IS NOT NULL;

CREATE TABLE operators (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    app_id INTEGER,
    subject_id INTEGER,
    digest BLOB,
    actor TEXT NOT NULL
) STRICT;
