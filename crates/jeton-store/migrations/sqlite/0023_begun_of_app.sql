-- Whether an app has tokens whose digests began with another key than the last one that made them.
CREATE INDEX tokens_begun_of_app ON tokens (app_id) WHERE first_key_id IS NOT NULL;
