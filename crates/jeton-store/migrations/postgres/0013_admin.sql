-- What operators seek. Each index costs every write of what is in it, so there are none for titles, tags, use and age, which are
-- sought among all tokens of an app: and that of the ends takes the place of another one, since an app is known wherever ends are
-- sought. The columns behind are there so that a count reads the index alone.
DROP INDEX tokens_expired;
CREATE INDEX tokens_ending ON tokens (app_id, expires_at, id, disabled_by)
    WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_disabled ON tokens (app_id, id, expires_at) WHERE disabled_by IS NOT NULL AND revoked_at IS NULL;
-- The start of a title is compared by bytes, as SQLite does.
ALTER TABLE tokens ALTER COLUMN title TYPE text COLLATE "C";
DROP INDEX tokens_revoked;
CREATE INDEX tokens_revoked ON tokens (app_id, id) WHERE revoked_at IS NOT NULL;

-- What operators have asked to be done once: the digest of their key and of what they asked, and the number of what was made.
CREATE TABLE idempotency_keys (
    operator_id bigint NOT NULL,
    digest bytea NOT NULL,
    request bytea NOT NULL,
    subject_id bigint,
    at bigint NOT NULL,
    PRIMARY KEY (operator_id, digest)
);

CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
