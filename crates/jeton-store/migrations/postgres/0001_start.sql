-- Instants are milliseconds since 1970-01-01T00:00:00Z. Identity columns: no number is ever given out twice.
-- Text that an index holds is compared byte by byte: an index ordered by the system's collation breaks when the system
-- library changes its mind.

CREATE TABLE genesis (
    id bigint PRIMARY KEY CHECK (id = 1),
    at bigint NOT NULL
);

CREATE TABLE key_checks (
    key_id bigint PRIMARY KEY,
    check_value bytea NOT NULL
);

CREATE TABLE apps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL UNIQUE,
    -- Wiped, and only then NULL, when the app is deleted.
    client_secret bytea,
    settings text NOT NULL,
    data_key bytea,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    revision bigint NOT NULL,
    is_default boolean NOT NULL,
    deleted_at bigint
);

-- A deleted app frees its key.
CREATE UNIQUE INDEX apps_key ON apps (key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX apps_default ON apps (is_default) WHERE is_default AND deleted_at IS NULL;

CREATE TABLE tokens (
    id bigint GENERATED ALWAYS AS IDENTITY,
    app_id bigint NOT NULL REFERENCES apps (id),
    kind text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    digest_key_id bigint NOT NULL,
    is_foreign boolean NOT NULL,
    sealed bytea,
    user_id text COLLATE "C",
    user_is_stand_in boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint,
    disabled_by text,
    revoked_at bigint,
    title text,
    tags text,
    description text,
    permissions_as_sent text,
    scopes text NOT NULL,
    revision bigint NOT NULL,
    -- No index has the number first. With one, a list of an app that has few and old tokens might be read by walking
    -- down all tokens of all apps.
    PRIMARY KEY (app_id, id)
);

-- Covers revoked tokens too: their digests are tombstones.
CREATE UNIQUE INDEX tokens_digest ON tokens (digest, app_id);
-- Lists and counts. The columns after the number are there so that a count reads the index alone.
CREATE INDEX tokens_live ON tokens (app_id, id, kind) WHERE revoked_at IS NULL;
CREATE INDEX tokens_live_by_user ON tokens (app_id, user_id, id, kind, user_is_stand_in)
    WHERE revoked_at IS NULL AND user_id IS NOT NULL;
-- The sweeps: each batch finds its rows without reading those that earlier batches are done with.
CREATE INDEX tokens_revoked ON tokens (app_id) WHERE revoked_at IS NOT NULL;
CREATE INDEX tokens_sealed ON tokens (app_id) WHERE sealed IS NOT NULL;

CREATE TABLE operators (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE changes (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    app_id bigint,
    subject_id bigint,
    digest bytea,
    actor text NOT NULL,
    -- Which transaction wrote it. Sequence numbers are drawn before the commit and in another order, so a reader that
    -- must miss nothing goes by transaction and stops at the oldest one that is still open.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX changes_settled ON changes (xid, sequence);
