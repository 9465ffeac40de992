-- How many self-made tokens that were not revoked an app has, and about how many bytes they take: what bounds them asks for
-- this instead of counting, and holds the row until its transaction is over. Rows come in through one statement that says how
-- many it has added; whatever else happens to them, the triggers see.
CREATE TABLE self_made (
    app_id bigint PRIMARY KEY,
    tokens bigint NOT NULL,
    bytes bigint NOT NULL
) WITH (fillfactor = 50);

INSERT INTO self_made (app_id, tokens, bytes)
    SELECT app_id, count(*), sum(512 + coalesce(octet_length(document), 0) + coalesce(octet_length(sealed), 0)
        + coalesce(octet_length(user_id), 0))
    FROM tokens WHERE kind = 'self-made' AND revoked_at IS NULL GROUP BY app_id;

-- Those that have expired make room for new ones.
CREATE INDEX tokens_self_made ON tokens (app_id, expires_at) WHERE kind = 'self-made' AND revoked_at IS NULL;

CREATE FUNCTION count_self_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.kind = 'self-made' AND OLD.revoked_at IS NULL THEN
        UPDATE self_made SET tokens = tokens - 1, bytes = bytes - (512 + coalesce(octet_length(OLD.document), 0)
            + coalesce(octet_length(OLD.sealed), 0) + coalesce(octet_length(OLD.user_id), 0))
        WHERE app_id = OLD.app_id;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.kind = 'self-made' AND NEW.revoked_at IS NULL THEN
        INSERT INTO self_made AS held (app_id, tokens, bytes)
        VALUES (NEW.app_id, 1, 512 + coalesce(octet_length(NEW.document), 0) + coalesce(octet_length(NEW.sealed), 0)
            + coalesce(octet_length(NEW.user_id), 0))
        ON CONFLICT (app_id) DO UPDATE SET tokens = held.tokens + 1, bytes = held.bytes + excluded.bytes;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER self_made_deleted AFTER DELETE ON tokens
FOR EACH ROW WHEN (OLD.kind = 'self-made' AND OLD.revoked_at IS NULL) EXECUTE FUNCTION count_self_made();

CREATE TRIGGER self_made_updated AFTER UPDATE OF app_id, kind, revoked_at, document, sealed, user_id ON tokens
FOR EACH ROW WHEN (OLD.kind = 'self-made' AND OLD.revoked_at IS NULL OR NEW.kind = 'self-made' AND NEW.revoked_at IS NULL)
EXECUTE FUNCTION count_self_made();
