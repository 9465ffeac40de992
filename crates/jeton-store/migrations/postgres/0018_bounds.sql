-- From when and from where a token may be used: an instant, and blocks of addresses in CIDR notation with commas between. NULL: always
-- and everywhere.
ALTER TABLE tokens ADD COLUMN not_before bigint;
ALTER TABLE tokens ADD COLUMN allowed_addresses text;
