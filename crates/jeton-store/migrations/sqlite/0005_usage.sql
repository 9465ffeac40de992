-- When, from where and how often tokens were used. Apart from the tokens, whose revisions and change log are about what people
-- decided. Goes with its token; the number stands first because that is how it is found then.
CREATE TABLE token_usage (
    app_id INTEGER NOT NULL,
    token_id INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    last_used_at INTEGER NOT NULL,
    last_address TEXT,
    use_count INTEGER NOT NULL,
    PRIMARY KEY (token_id, app_id)
) STRICT, WITHOUT ROWID;
