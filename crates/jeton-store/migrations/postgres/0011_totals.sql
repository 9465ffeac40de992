-- How many tokens that were not revoked each app and each user has, by what lists ask for, so that a total costs no count: the
-- triggers see every statement. A total is the sum of up to 16 rows, each of which counts the tokens of some numbers: those who
-- make tokens of one app or one user at the same time seldom wait for each other, and what a token has added to a row is taken
-- from the same row. Rows are always locked in one order, those of apps before those of users.
CREATE TABLE app_totals (
    app_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    -- Whether they are switched on and have not left LoopBack's view.
    is_on_loopback boolean NOT NULL,
    stripe bigint NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (app_id, kind, is_on_loopback, stripe)
) WITH (fillfactor = 50);

-- A user who has none any more has no row.
CREATE TABLE user_totals (
    app_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    user_is_stand_in boolean NOT NULL,
    is_on_loopback boolean NOT NULL,
    stripe bigint NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe)
) WITH (fillfactor = 80);

INSERT INTO app_totals (app_id, kind, is_on_loopback, stripe, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, id % 16, count(*)
    FROM tokens WHERE revoked_at IS NULL GROUP BY 1, 2, 3, 4;

INSERT INTO user_totals (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, id % 16, count(*)
    FROM tokens WHERE revoked_at IS NULL AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6;

-- Those that left LoopBack's view come back when they live again, which only the reader's clock says: what of them lives is
-- counted when it is asked for.
CREATE INDEX tokens_off_loopback ON tokens (app_id, expires_at, user_id, kind)
    WHERE left_loopback AND revoked_at IS NULL AND disabled_by IS NULL;

CREATE FUNCTION count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app_totals AS held (app_id, kind, is_on_loopback, stripe, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, id % 16, count(*)
    FROM after_it WHERE revoked_at IS NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (app_id, kind, is_on_loopback, stripe) DO UPDATE SET tokens = held.tokens + excluded.tokens;

    INSERT INTO user_totals AS held (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, id % 16, count(*)
    FROM after_it WHERE revoked_at IS NULL AND user_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe)
    DO UPDATE SET tokens = held.tokens + excluded.tokens;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app_totals AS held (app_id, kind, is_on_loopback, stripe, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, id % 16, -count(*)
    FROM before_it WHERE revoked_at IS NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (app_id, kind, is_on_loopback, stripe) DO UPDATE SET tokens = held.tokens + excluded.tokens;

    INSERT INTO user_totals AS held (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, id % 16, -count(*)
    FROM before_it WHERE revoked_at IS NULL AND user_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe)
    DO UPDATE SET tokens = held.tokens + excluded.tokens;
    IF FOUND THEN
        DELETE FROM user_totals AS held USING before_it
        WHERE held.app_id = before_it.app_id AND held.user_id = before_it.user_id AND held.tokens = 0;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app_totals AS held (app_id, kind, is_on_loopback, stripe, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, id % 16, sum(change) FROM (
        SELECT app_id, kind, disabled_by, left_loopback, id, -1 AS change FROM before_it WHERE revoked_at IS NULL
        UNION ALL
        SELECT app_id, kind, disabled_by, left_loopback, id, 1 FROM after_it WHERE revoked_at IS NULL
    ) AS changed GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (app_id, kind, is_on_loopback, stripe) DO UPDATE SET tokens = held.tokens + excluded.tokens;

    INSERT INTO user_totals AS held (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, id % 16, sum(change) FROM (
        SELECT app_id, user_id, kind, user_is_stand_in, disabled_by, left_loopback, id, -1 AS change
        FROM before_it WHERE revoked_at IS NULL AND user_id IS NOT NULL
        UNION ALL
        SELECT app_id, user_id, kind, user_is_stand_in, disabled_by, left_loopback, id, 1
        FROM after_it WHERE revoked_at IS NULL AND user_id IS NOT NULL
    ) AS changed GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (app_id, user_id, kind, user_is_stand_in, is_on_loopback, stripe)
    DO UPDATE SET tokens = held.tokens + excluded.tokens;
    IF FOUND THEN
        DELETE FROM user_totals AS held USING before_it
        WHERE held.app_id = before_it.app_id AND held.user_id = before_it.user_id AND held.tokens = 0;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER totals_inserted AFTER INSERT ON tokens
REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION count_inserted();

CREATE TRIGGER totals_deleted AFTER DELETE ON tokens
REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION count_deleted();

CREATE TRIGGER totals_updated AFTER UPDATE ON tokens
REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION count_updated();
