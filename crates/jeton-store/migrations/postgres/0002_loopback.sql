-- What LoopBack's clients store beside what every token has, and which tokens LoopBack shows no more.
ALTER TABLE tokens ADD COLUMN document TEXT;
ALTER TABLE tokens ADD COLUMN left_loopback BOOLEAN NOT NULL DEFAULT FALSE;
