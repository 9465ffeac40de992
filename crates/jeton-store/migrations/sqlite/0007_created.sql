-- What LoopBack sees, by the instant of creation, which clients may choose: newest first above all. The columns after the
-- number are there so that a count reads the index alone; SQLite wants among them also those that the condition decides.
CREATE INDEX tokens_on_loopback ON tokens (app_id, created_at, id, kind, revoked_at, disabled_by, left_loopback)
    WHERE revoked_at IS NULL AND disabled_by IS NULL AND NOT left_loopback;
