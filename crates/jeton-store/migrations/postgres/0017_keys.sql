-- The keys that rows were made with, so that they can be made with others. A digest is made by one key of the ring, or by several
-- in turn, since nobody knows the secrets of most rows: the first of them from the secret, each further one from the digest of the
-- one before. `digest_key_id` is the last, `first_key_id` the first where that is another one.
ALTER TABLE key_checks ADD COLUMN retired_at bigint;

ALTER TABLE tokens ADD COLUMN first_key_id bigint;
ALTER TABLE token_digests ADD COLUMN first_key_id bigint;
ALTER TABLE client_digests ADD COLUMN digest_key_id bigint NOT NULL DEFAULT 1;
ALTER TABLE client_digests ADD COLUMN first_key_id bigint;
ALTER TABLE apps ADD COLUMN client_key_id bigint NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN client_first_key_id bigint;
ALTER TABLE operators ADD COLUMN digest_key_id bigint NOT NULL DEFAULT 1;
ALTER TABLE operators ADD COLUMN first_key_id bigint;

-- Until now a database was written with the one key that it was begun with, unless somebody wrote a ring by hand.
UPDATE apps SET client_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);
UPDATE client_digests SET digest_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);
UPDATE operators SET digest_key_id = coalesce((SELECT min(key_id) FROM key_checks), 1);

-- What is to be made with another key. All rows have the same one nearly always, so that new ones go to the end of an app's part.
CREATE INDEX tokens_key ON tokens (digest_key_id, app_id, id);
CREATE INDEX tokens_first_key ON tokens (first_key_id) WHERE first_key_id IS NOT NULL;
CREATE INDEX token_digests_key ON token_digests (digest_key_id);

-- Who still has an old ring writes nothing that a retired key is needed for: no ring can read it. A transaction that retires a key
-- lets no other write meanwhile, so that each sees here what was decided.
CREATE FUNCTION refuse_retired_of_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM key_checks WHERE retired_at IS NOT NULL
            AND key_id IN (SELECT digest_key_id FROM arrived)) THEN
        RAISE EXCEPTION 'the key that made it was retired';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION refuse_retired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM key_checks WHERE retired_at IS NOT NULL AND key_id = NEW.digest_key_id) THEN
        RAISE EXCEPTION 'the key that made it was retired';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION refuse_retired_of_apps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM key_checks WHERE retired_at IS NOT NULL
            AND (key_id = NEW.client_key_id
                OR encode(substr(NEW.data_key, 2, 4), 'hex') = lpad(to_hex(key_id), 8, '0'))) THEN
        RAISE EXCEPTION 'the key that made it was retired';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tokens_key_inserted AFTER INSERT ON tokens
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION refuse_retired_of_tokens();
CREATE TRIGGER tokens_key_updated BEFORE UPDATE OF digest_key_id ON tokens
    FOR EACH ROW WHEN (OLD.digest_key_id <> NEW.digest_key_id) EXECUTE FUNCTION refuse_retired();
CREATE TRIGGER client_digests_key_inserted BEFORE INSERT ON client_digests
    FOR EACH ROW EXECUTE FUNCTION refuse_retired();
CREATE TRIGGER operators_key_inserted BEFORE INSERT ON operators
    FOR EACH ROW WHEN (NEW.revoked_at IS NULL) EXECUTE FUNCTION refuse_retired();
CREATE TRIGGER apps_key_inserted BEFORE INSERT ON apps
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION refuse_retired_of_apps();
CREATE TRIGGER apps_key_updated BEFORE UPDATE OF client_key_id, data_key ON apps
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION refuse_retired_of_apps();
