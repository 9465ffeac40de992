-- How often a token may be used: the number of uses that it was given, with the revision at which it was, and rates. NULL: without limit.
ALTER TABLE tokens ADD COLUMN use_limits text;
-- What is left of that, once a server has taken a portion. Holds for the allowance of that revision and for those rates: what a
-- token has otherwise been given since is whole. Goes with its token. Rows are rewritten in place where a page has room.
CREATE TABLE token_budgets (
    app_id bigint NOT NULL,
    token_id bigint NOT NULL,
    uses_left bigint,
    uses_since bigint,
    rates text NOT NULL,
    levels text NOT NULL,
    filled_at bigint NOT NULL,
    PRIMARY KEY (app_id, token_id),
    FOREIGN KEY (app_id, token_id) REFERENCES tokens (app_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
