-- The tokens above one that another made: their numbers, the first one's first, with commas between; and the last of them, which made it.
ALTER TABLE tokens ADD COLUMN parent_id INTEGER;
ALTER TABLE tokens ADD COLUMN lineage TEXT;
-- That it is NULL or not decides which of its children are listed.
CREATE INDEX tokens_children ON tokens (parent_id, id, revoked_at) WHERE parent_id IS NOT NULL;
