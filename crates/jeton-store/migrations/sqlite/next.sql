-- Stands for the next version of the schema: see the feature next-schema.
ALTER TABLE tokens ADD COLUMN next_note TEXT;
ALTER TABLE apps ADD COLUMN next_count INTEGER NOT NULL DEFAULT 0;
