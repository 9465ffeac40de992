-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS tokens_begun_of_app ON tokens (app_id) WHERE first_key_id IS NOT NULL;
