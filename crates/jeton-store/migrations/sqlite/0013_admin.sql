-- What operators seek. Each index costs every write of what is in it, so there are none for titles, tags, use and age, which are
-- sought among all tokens of an app: and that of the ends takes the place of another one, since an app is known wherever ends are
-- sought. The columns behind are there so that a count reads the index alone; SQLite wants among them also those that the
-- condition decides.
DROP INDEX tokens_expired;
CREATE INDEX tokens_ending ON tokens (app_id, expires_at, id, disabled_by, revoked_at)
    WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
-- That it is NULL is one more thing to find them by: without it, SQLite would take the index of all tokens.
CREATE INDEX tokens_disabled ON tokens (app_id, revoked_at, id, expires_at, disabled_by)
    WHERE disabled_by IS NOT NULL AND revoked_at IS NULL;
DROP INDEX tokens_revoked;
CREATE INDEX tokens_revoked ON tokens (app_id, id, revoked_at) WHERE revoked_at IS NOT NULL;

-- What operators have asked to be done once: the digest of their key and of what they asked, and the number of what was made.
CREATE TABLE idempotency_keys (
    operator_id INTEGER NOT NULL,
    digest BLOB NOT NULL,
    request BLOB NOT NULL,
    subject_id INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (operator_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
