-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS tokens_by_next_note ON tokens (next_note) WHERE next_note IS NOT NULL;
