-- How many self-made tokens that were not revoked an app has, and about how many bytes they take: what bounds them asks for
-- this instead of counting. Rows come in through one statement that says how many it has added; whatever else happens to them,
-- the triggers see. One that fires on insertion would make SQLite put every row of any kind into a temporary table first.
CREATE TABLE self_made (
    app_id INTEGER PRIMARY KEY,
    tokens INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO self_made (app_id, tokens, bytes)
    SELECT app_id, count(*), sum(512 + coalesce(octet_length(document), 0) + coalesce(octet_length(sealed), 0)
        + coalesce(octet_length(user_id), 0))
    FROM tokens WHERE kind = 'self-made' AND revoked_at IS NULL GROUP BY app_id;

-- Those that have expired make room for new ones.
CREATE INDEX tokens_self_made ON tokens (app_id, expires_at) WHERE kind = 'self-made' AND revoked_at IS NULL;

CREATE TRIGGER self_made_deleted AFTER DELETE ON tokens
WHEN old.kind = 'self-made' AND old.revoked_at IS NULL
BEGIN
    UPDATE self_made SET tokens = tokens - 1, bytes = bytes - (512 + coalesce(octet_length(old.document), 0)
        + coalesce(octet_length(old.sealed), 0) + coalesce(octet_length(old.user_id), 0))
    WHERE app_id = old.app_id;
END;

CREATE TRIGGER self_made_updated AFTER UPDATE OF app_id, kind, revoked_at, document, sealed, user_id ON tokens
WHEN (old.kind = 'self-made' AND old.revoked_at IS NULL) OR (new.kind = 'self-made' AND new.revoked_at IS NULL)
BEGIN
    INSERT INTO self_made (app_id, tokens, bytes) VALUES (new.app_id, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE self_made SET tokens = tokens - 1, bytes = bytes - (512 + coalesce(octet_length(old.document), 0)
        + coalesce(octet_length(old.sealed), 0) + coalesce(octet_length(old.user_id), 0))
    WHERE app_id = old.app_id AND old.kind = 'self-made' AND old.revoked_at IS NULL;
    UPDATE self_made SET tokens = tokens + 1, bytes = bytes + (512 + coalesce(octet_length(new.document), 0)
        + coalesce(octet_length(new.sealed), 0) + coalesce(octet_length(new.user_id), 0))
    WHERE app_id = new.app_id AND new.kind = 'self-made' AND new.revoked_at IS NULL;
END;
