-- How often a token may be used: the number of uses that it was given, with the revision at which it was, and rates. NULL: without limit.
ALTER TABLE tokens ADD COLUMN use_limits TEXT;
-- What is left of that, once a server has taken a portion. Holds for the allowance of that revision and for those rates: what a
-- token has otherwise been given since is whole. Goes with its token.
CREATE TABLE token_budgets (
    app_id INTEGER NOT NULL,
    token_id INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    uses_left INTEGER,
    uses_since INTEGER,
    rates TEXT NOT NULL,
    levels TEXT NOT NULL,
    filled_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, app_id)
) STRICT, WITHOUT ROWID;
