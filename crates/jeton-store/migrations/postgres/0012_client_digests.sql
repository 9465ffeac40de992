-- Digests of client secrets that an app has beside its own, each good from and until an instant: NULL is ever. A secret that is
-- replaced stays good for a while as a row here.
CREATE TABLE client_digests (
    app_id bigint NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    good_from bigint,
    good_until bigint,
    PRIMARY KEY (app_id, digest)
);
