-- Digests by which a token is found beside the one of the secret that it shows, each from and until an instant: NULL is ever.
-- A secret that is replaced stays good for a while as a row here.
CREATE TABLE token_digests (
    digest bytea NOT NULL,
    app_id bigint NOT NULL,
    token_id bigint NOT NULL,
    digest_key_id bigint NOT NULL,
    is_foreign boolean NOT NULL,
    good_from bigint,
    good_until bigint,
    PRIMARY KEY (digest, app_id),
    FOREIGN KEY (app_id, token_id) REFERENCES tokens (app_id, id) ON DELETE CASCADE
);

CREATE INDEX token_digests_token ON token_digests (app_id, token_id);
