-- How often the tokens of each app were used, those that are gone since included, and when last: added up where uses are written, so
-- that no page adds them up. A row is locked last of all that a transaction locks, and those of several apps in one order.
CREATE TABLE usage_totals (
    app_id bigint PRIMARY KEY,
    uses bigint NOT NULL,
    last_used_at bigint NOT NULL
) WITH (fillfactor = 50);

INSERT INTO usage_totals (app_id, uses, last_used_at)
    SELECT app_id, sum(use_count), max(last_used_at) FROM token_usage GROUP BY app_id;
