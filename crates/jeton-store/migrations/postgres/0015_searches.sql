-- What operators seek, in an order that an index has. Each of these costs only the tokens that it has: those with a title or with tags,
-- and those that never end, which are not in tokens_ending. Use, age and scopes stay without: the console looks at some thousand tokens
-- at a time for those.
CREATE INDEX tokens_titled ON tokens (app_id, title, id) WHERE title IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_tagged ON tokens (app_id, id, tags) WHERE tags IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_eternal ON tokens (app_id, id, disabled_by) WHERE expires_at IS NULL AND revoked_at IS NULL;
