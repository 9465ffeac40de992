-- The digests of secrets that were not minted here. With the number first, and for these tokens only: a list that wants
-- others cannot be tempted to walk down it.
CREATE INDEX tokens_foreign ON tokens (id, digest) WHERE is_foreign;
