-- Digests of client secrets that an app has beside its own, each good from and until an instant: NULL is ever. A secret that is
-- replaced stays good for a while as a row here.
CREATE TABLE client_digests (
    app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    good_from INTEGER,
    good_until INTEGER,
    PRIMARY KEY (app_id, digest)
) STRICT, WITHOUT ROWID;
