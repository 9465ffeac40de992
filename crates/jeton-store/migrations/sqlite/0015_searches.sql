-- What operators seek, in an order that an index has. Each of these costs only the tokens that it has: those with a title or with tags,
-- and those that never end, which are not in tokens_ending. Use, age and scopes stay without: the console looks at some thousand tokens
-- at a time for those.
-- SQLite reads an index alone only if that has the columns of its condition as well.
CREATE INDEX tokens_titled ON tokens (app_id, title, id, revoked_at)
    WHERE title IS NOT NULL AND revoked_at IS NULL;
-- What is always NULL comes before the number: it is one more thing to find them by, without which SQLite would take the index of all
-- tokens.
CREATE INDEX tokens_tagged ON tokens (app_id, revoked_at, id, tags)
    WHERE tags IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_eternal ON tokens (app_id, expires_at, id, disabled_by, revoked_at)
    WHERE expires_at IS NULL AND revoked_at IS NULL;
