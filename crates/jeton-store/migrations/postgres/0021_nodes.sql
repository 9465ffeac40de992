-- The servers that work on this database. Each writes a row of itself every few seconds and removes it when it stops; times are those of its
-- own wall clock. Nothing depends on it: it is for those who look after the servers. Rows are rewritten in place where a page has room.
CREATE TABLE nodes (
    id bigint PRIMARY KEY,
    machine text NOT NULL,
    version text NOT NULL,
    schema_version bigint NOT NULL,
    started_at bigint NOT NULL,
    written_at bigint NOT NULL,
    log_read_to bigint,
    log_unread_ms bigint,
    newest_key_id bigint NOT NULL,
    current_key_id bigint NOT NULL,
    is_listening boolean NOT NULL,
    clock_ahead_ms bigint
) WITH (fillfactor = 50);
