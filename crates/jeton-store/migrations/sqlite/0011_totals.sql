-- How many tokens that were not revoked each app and each user has, by what lists ask for, so that a total costs no count. Rows
-- come in through one statement that counts them; whatever else happens to them, the triggers see. One that fires on insertion
-- would make SQLite put every row into a temporary table first.
CREATE TABLE app_totals (
    app_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Whether they are switched on and have not left LoopBack's view.
    is_on_loopback INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (app_id, kind, is_on_loopback)
) STRICT, WITHOUT ROWID;

-- A user who has none any more has no row.
CREATE TABLE user_totals (
    app_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_is_stand_in INTEGER NOT NULL,
    is_on_loopback INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_id, kind, user_is_stand_in, is_on_loopback)
) STRICT, WITHOUT ROWID;

INSERT INTO app_totals (app_id, kind, is_on_loopback, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, count(*)
    FROM tokens WHERE revoked_at IS NULL GROUP BY 1, 2, 3;

INSERT INTO user_totals (app_id, user_id, kind, user_is_stand_in, is_on_loopback, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, count(*)
    FROM tokens WHERE revoked_at IS NULL AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5;

-- Those that left LoopBack's view come back when they live again, which only the reader's clock says: what of them lives is
-- counted when it is asked for.
CREATE INDEX tokens_off_loopback ON tokens (app_id, expires_at, user_id, kind, left_loopback, revoked_at, disabled_by)
    WHERE left_loopback AND revoked_at IS NULL AND disabled_by IS NULL;

CREATE TRIGGER totals_deleted AFTER DELETE ON tokens
WHEN old.revoked_at IS NULL
BEGIN
    UPDATE app_totals SET tokens = tokens - 1
    WHERE app_id = old.app_id AND kind = old.kind
        AND is_on_loopback = (old.disabled_by IS NULL AND NOT old.left_loopback);
    UPDATE user_totals SET tokens = tokens - 1
    WHERE app_id = old.app_id AND user_id = old.user_id AND kind = old.kind
        AND user_is_stand_in = old.user_is_stand_in
        AND is_on_loopback = (old.disabled_by IS NULL AND NOT old.left_loopback);
    DELETE FROM user_totals WHERE app_id = old.app_id AND user_id = old.user_id AND tokens = 0;
END;

CREATE TRIGGER totals_updated
AFTER UPDATE OF app_id, kind, user_id, user_is_stand_in, disabled_by, left_loopback, revoked_at ON tokens
WHEN (old.app_id, old.kind, old.user_id, old.user_is_stand_in, old.disabled_by IS NULL, old.left_loopback,
        old.revoked_at IS NULL)
    IS NOT (new.app_id, new.kind, new.user_id, new.user_is_stand_in, new.disabled_by IS NULL, new.left_loopback,
        new.revoked_at IS NULL)
BEGIN
    UPDATE app_totals SET tokens = tokens - 1
    WHERE old.revoked_at IS NULL AND app_id = old.app_id AND kind = old.kind
        AND is_on_loopback = (old.disabled_by IS NULL AND NOT old.left_loopback);
    INSERT INTO app_totals (app_id, kind, is_on_loopback, tokens)
    SELECT new.app_id, new.kind, new.disabled_by IS NULL AND NOT new.left_loopback, 1 WHERE new.revoked_at IS NULL
    ON CONFLICT DO UPDATE SET tokens = tokens + 1;
    UPDATE user_totals SET tokens = tokens - 1
    WHERE old.revoked_at IS NULL AND app_id = old.app_id AND user_id = old.user_id AND kind = old.kind
        AND user_is_stand_in = old.user_is_stand_in
        AND is_on_loopback = (old.disabled_by IS NULL AND NOT old.left_loopback);
    INSERT INTO user_totals (app_id, user_id, kind, user_is_stand_in, is_on_loopback, tokens)
    SELECT new.app_id, new.user_id, new.kind, new.user_is_stand_in, new.disabled_by IS NULL AND NOT new.left_loopback, 1
    WHERE new.revoked_at IS NULL AND new.user_id IS NOT NULL
    ON CONFLICT DO UPDATE SET tokens = tokens + 1;
    DELETE FROM user_totals WHERE app_id = old.app_id AND user_id = old.user_id AND tokens = 0;
END;
