-- The servers that work on this database. Each writes a row of itself every few seconds and removes it when it stops; times are those of its
-- own wall clock. Nothing depends on it: it is for those who look after the servers.
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    version TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    log_read_to INTEGER,
    log_unread_ms INTEGER,
    newest_key_id INTEGER NOT NULL,
    current_key_id INTEGER NOT NULL,
    is_listening INTEGER NOT NULL,
    clock_ahead_ms INTEGER
) STRICT;
