CREATE INDEX tokens_by_next_note ON tokens (next_note) WHERE next_note IS NOT NULL;
