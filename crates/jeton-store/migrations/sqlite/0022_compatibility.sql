-- The oldest version of the schema whose programs can use this database: those that know an older version than it has, but
-- none before this one, go on with it. A migration after which they could not, raises it.
CREATE TABLE schema_compatibility (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    oldest_version INTEGER NOT NULL
) STRICT;
INSERT INTO schema_compatibility (id, oldest_version) VALUES (1, 22);
