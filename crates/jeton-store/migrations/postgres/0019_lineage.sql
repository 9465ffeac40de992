-- The tokens above one that another made: their numbers, the first one's first, with commas between; and the last of them, which made it.
ALTER TABLE tokens ADD COLUMN parent_id bigint;
ALTER TABLE tokens ADD COLUMN lineage text;
CREATE INDEX tokens_children ON tokens (parent_id, id) WHERE parent_id IS NOT NULL;
