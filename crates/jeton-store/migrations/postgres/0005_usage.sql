-- When, from where and how often tokens were used. Apart from the tokens, whose revisions and change log are about what people
-- decided. Goes with its token.
CREATE TABLE token_usage (
    app_id bigint NOT NULL,
    token_id bigint NOT NULL,
    last_used_at bigint NOT NULL,
    last_address text,
    use_count bigint NOT NULL,
    PRIMARY KEY (app_id, token_id),
    FOREIGN KEY (app_id, token_id) REFERENCES tokens (app_id, id) ON DELETE CASCADE
);
