-- What operators seek: each index has its rows in the order in which they are shown. The columns after those are there so that
-- a count reads the index alone.
ALTER TABLE tokens ALTER COLUMN title TYPE text COLLATE "C";
CREATE INDEX tokens_titled ON tokens (app_id, title, id) WHERE title IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_tagged ON tokens (app_id, id, tags) WHERE tags IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_disabled ON tokens (app_id, id, expires_at) WHERE disabled_by IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_ending ON tokens (app_id, expires_at, id, disabled_by)
    WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
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
