-- Digests by which a token is found beside the one of the secret that it shows, each from and until an instant: NULL is ever.
-- A secret that is replaced stays good for a while as a row here.
CREATE TABLE token_digests (
    digest BLOB NOT NULL,
    app_id INTEGER NOT NULL,
    token_id INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    digest_key_id INTEGER NOT NULL,
    is_foreign INTEGER NOT NULL,
    good_from INTEGER,
    good_until INTEGER,
    PRIMARY KEY (digest, app_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_digests_token ON token_digests (token_id);
