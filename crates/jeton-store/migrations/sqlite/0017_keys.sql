-- The keys that rows were made with, so that they can be made with others. A digest is made by one key of the ring, or by several
-- in turn, since nobody knows the secrets of most rows: the first of them from the secret, each further one from the digest of the
-- one before. `digest_key_id` is the last, `first_key_id` the first where that is another one.
ALTER TABLE key_checks ADD COLUMN retired_at INTEGER;

ALTER TABLE tokens ADD COLUMN first_key_id INTEGER;
ALTER TABLE token_digests ADD COLUMN first_key_id INTEGER;
ALTER TABLE client_digests ADD COLUMN digest_key_id INTEGER NOT NULL DEFAULT 1;
ALTER TABLE client_digests ADD COLUMN first_key_id INTEGER;
ALTER TABLE apps ADD COLUMN client_key_id INTEGER NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN client_first_key_id INTEGER;
ALTER TABLE operators ADD COLUMN digest_key_id INTEGER NOT NULL DEFAULT 1;
ALTER TABLE operators ADD COLUMN first_key_id INTEGER;

-- Until now a database was written with the one key that it was begun with, unless somebody wrote a ring by hand.
UPDATE apps SET client_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);
UPDATE client_digests SET digest_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);
UPDATE operators SET digest_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);

-- What is to be made with another key. All rows have the same one nearly always, so that new ones go to the end of an app's part.
CREATE INDEX tokens_key ON tokens (digest_key_id, app_id, id);
CREATE INDEX tokens_first_key ON tokens (first_key_id) WHERE first_key_id IS NOT NULL;
CREATE INDEX token_digests_key ON token_digests (digest_key_id);

-- Who still has an old ring writes nothing that a retired key is needed for: no ring can read it.
CREATE TRIGGER tokens_key_inserted BEFORE INSERT ON tokens
WHEN EXISTS (SELECT 1 FROM key_checks WHERE key_id = NEW.digest_key_id AND retired_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
CREATE TRIGGER tokens_key_updated BEFORE UPDATE OF digest_key_id ON tokens
WHEN EXISTS (SELECT 1 FROM key_checks WHERE key_id = NEW.digest_key_id AND retired_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
CREATE TRIGGER client_digests_key_inserted BEFORE INSERT ON client_digests
WHEN EXISTS (SELECT 1 FROM key_checks WHERE key_id = NEW.digest_key_id AND retired_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
CREATE TRIGGER operators_key_inserted BEFORE INSERT ON operators
WHEN NEW.revoked_at IS NULL AND EXISTS (SELECT 1 FROM key_checks WHERE key_id = NEW.digest_key_id AND retired_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
CREATE TRIGGER apps_key_inserted BEFORE INSERT ON apps
WHEN NEW.deleted_at IS NULL AND EXISTS (
    SELECT 1 FROM key_checks WHERE retired_at IS NOT NULL
    AND (key_id = NEW.client_key_id OR hex(substr(NEW.data_key, 2, 4)) = printf('%08X', key_id)))
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
CREATE TRIGGER apps_key_updated BEFORE UPDATE OF client_key_id, data_key ON apps
WHEN NEW.deleted_at IS NULL AND EXISTS (
    SELECT 1 FROM key_checks WHERE retired_at IS NOT NULL
    AND (key_id = NEW.client_key_id OR hex(substr(NEW.data_key, 2, 4)) = printf('%08X', key_id)))
BEGIN SELECT RAISE(ABORT, 'the key that made it was retired'); END;
