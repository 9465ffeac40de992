-- What LoopBack sees, by the instant of creation, which clients may choose: newest first above all. The column after the
-- number is there so that a count reads the index alone.
CREATE INDEX tokens_on_loopback ON tokens (app_id, created_at, id, kind)
    WHERE revoked_at IS NULL AND disabled_by IS NULL AND NOT left_loopback;
