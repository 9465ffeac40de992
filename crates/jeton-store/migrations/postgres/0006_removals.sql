-- What change streams tell of a token that is gone: whether LoopBack saw it, and, for a day, its sealed secret.
ALTER TABLE changes ADD COLUMN was_on_loopback boolean;
ALTER TABLE changes ADD COLUMN sealed bytea;

-- Retention: each batch finds its rows without reading those that earlier batches are done with.
CREATE INDEX changes_sealed ON changes (at) WHERE sealed IS NOT NULL;
