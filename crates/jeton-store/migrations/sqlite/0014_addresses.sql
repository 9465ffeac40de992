-- From where a change was made, for operators; NULL where that is not known, as of all changes before this.
ALTER TABLE changes ADD COLUMN address TEXT;
