-- Stands for the next version of the schema: see the feature next-schema. What a migration may do to tables that are in use: columns
-- that may be NULL or have a default, tables, a trigger that keeps one of them.
ALTER TABLE tokens ADD COLUMN next_note text;
ALTER TABLE apps ADD COLUMN next_count bigint NOT NULL DEFAULT 0;
CREATE TABLE next_totals (app_id bigint PRIMARY KEY, tokens bigint NOT NULL);
CREATE FUNCTION count_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO next_totals (app_id, tokens) SELECT app_id, count(*) FROM added GROUP BY app_id ORDER BY app_id
    ON CONFLICT (app_id) DO UPDATE SET tokens = next_totals.tokens + excluded.tokens;
    RETURN NULL;
END $$;
CREATE TRIGGER tokens_next AFTER INSERT ON tokens REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_next();
