-- A token that left LoopBack's view when it had expired comes back when it lives again, which only the reader's clock says. So
-- the index holds those that left, too, and by what a reader decides.
DROP INDEX tokens_on_loopback;
CREATE INDEX tokens_on_loopback ON tokens (app_id, created_at, id, kind, left_loopback, expires_at)
    WHERE revoked_at IS NULL AND disabled_by IS NULL;
