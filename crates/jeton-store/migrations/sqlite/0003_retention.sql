-- Drawn anew whenever everything was replaced: caches and readers of the change log begin again.
ALTER TABLE genesis ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- Retention: each batch finds its rows without reading those that stay.
CREATE INDEX tokens_expired ON tokens (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_tombstones ON tokens (revoked_at) WHERE revoked_at IS NOT NULL AND NOT is_foreign;
