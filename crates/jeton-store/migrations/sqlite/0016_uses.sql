-- How often the tokens of each app were used, those that are gone since included, and when last: added up where uses are written, so
-- that no page adds them up.
CREATE TABLE usage_totals (
    app_id INTEGER PRIMARY KEY,
    uses INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;

INSERT INTO usage_totals (app_id, uses, last_used_at)
    SELECT app_id, sum(use_count), max(last_used_at) FROM token_usage GROUP BY app_id;
