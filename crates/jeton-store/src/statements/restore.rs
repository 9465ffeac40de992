//! What a restore runs beside copying tables: the same text for both engines, without arguments.
//!
//! Apps are known again by their client ids, which are random, so the state before and the backup may also be of
//! different installations: then nothing of the one concerns the other.

/// Notes what the database knows of apps, tokens and operators before their tables are emptied.
pub(crate) const REMEMBER: &str = "
    CREATE TEMP TABLE was_apps AS SELECT id, client_id, client_secret, deleted_at FROM apps;
    CREATE TEMP TABLE was_tokens AS SELECT app_id, digest, revoked_at, disabled_by FROM tokens;
    CREATE INDEX was_tokens_digest ON was_tokens (digest, app_id);
    CREATE TEMP TABLE was_tombstones AS SELECT * FROM tokens WHERE revoked_at IS NOT NULL;
    CREATE TEMP TABLE was_operators AS SELECT digest, revoked_at FROM operators WHERE revoked_at IS NOT NULL";

/// Once the backup is in: which app is which of before.
pub(crate) const MATCH: &str = "
    CREATE TEMP TABLE was_same AS
        SELECT apps.id AS app_id, was_apps.id AS was_id, was_apps.client_secret, was_apps.deleted_at
        FROM apps JOIN was_apps ON was_apps.client_id = apps.client_id;
    CREATE INDEX was_same_app ON was_same (app_id)";

/// What a token was before.
const WAS: &str = "FROM was_same JOIN was_tokens ON was_tokens.app_id = was_same.was_id \
                   WHERE was_same.app_id = tokens.app_id AND was_tokens.digest = tokens.digest";

/// Tokens that the backup has and the database had no more, although it had given out their numbers: they were removed
/// since.
pub(crate) fn leave_out_removed(given_out: i64) -> String {
    format!(
        "DELETE FROM tokens WHERE id <= {given_out} \
         AND EXISTS (SELECT 1 FROM was_same WHERE was_same.app_id = tokens.app_id) \
         AND NOT EXISTS (SELECT 1 {WAS})"
    )
}

/// Tokens that were revoked since.
pub(crate) fn keep_revoked() -> String {
    format!(
        "UPDATE tokens SET sealed = NULL, revoked_at = (SELECT was_tokens.revoked_at {WAS}) \
         WHERE revoked_at IS NULL AND EXISTS (SELECT 1 {WAS} AND was_tokens.revoked_at IS NOT NULL)"
    )
}

/// Tokens that were switched off since.
pub(crate) fn keep_disabled() -> String {
    format!(
        "UPDATE tokens SET disabled_by = (SELECT was_tokens.disabled_by {WAS}) \
         WHERE disabled_by IS NULL AND EXISTS (SELECT 1 {WAS} AND was_tokens.disabled_by IS NOT NULL)"
    )
}

/// Tombstones of tokens that the backup does not know. Nobody sees their numbers: they get new ones.
pub(crate) const KEEP_TOMBSTONES: &str = "
    INSERT INTO tokens (app_id, kind, digest, digest_key_id, is_foreign, user_id, user_is_stand_in, created_at, updated_at,
        expires_at, disabled_by, revoked_at, scopes, left_loopback, revision)
    SELECT was_same.app_id, was.kind, was.digest, was.digest_key_id, was.is_foreign, was.user_id, was.user_is_stand_in,
        was.created_at, was.updated_at, was.expires_at, was.disabled_by, was.revoked_at, was.scopes, was.left_loopback,
        was.revision
    FROM was_tombstones was JOIN was_same ON was_same.was_id = was.app_id
    WHERE NOT EXISTS (
        SELECT 1 FROM tokens WHERE tokens.app_id = was_same.app_id AND tokens.digest = was.digest)";

/// Apps that were deleted since.
pub(crate) const KEEP_DELETED: &str = "
    UPDATE apps SET client_secret = NULL, data_key = NULL, settings = '{}',
        deleted_at = (SELECT was_same.deleted_at FROM was_same WHERE was_same.app_id = apps.id)
    WHERE deleted_at IS NULL AND id IN (SELECT app_id FROM was_same WHERE was_same.deleted_at IS NOT NULL)";

/// Client secrets as they are: an older one was replaced for a reason.
pub(crate) const KEEP_CLIENT_SECRETS: &str = "
    UPDATE apps SET client_secret = (SELECT was_same.client_secret FROM was_same WHERE was_same.app_id = apps.id)
    WHERE deleted_at IS NULL AND id IN (SELECT app_id FROM was_same WHERE was_same.deleted_at IS NULL)";

/// Operators that were revoked since.
pub(crate) const KEEP_REVOKED_OPERATORS: &str = "
    UPDATE operators SET revoked_at = (
        SELECT was_operators.revoked_at FROM was_operators WHERE was_operators.digest = operators.digest)
    WHERE revoked_at IS NULL AND digest IN (SELECT digest FROM was_operators)";

/// Ends what [`REMEMBER`] and [`MATCH`] began.
pub(crate) const FORGET: &str = "
    DROP TABLE was_same; DROP TABLE was_operators; DROP TABLE was_tombstones; DROP TABLE was_tokens; DROP TABLE was_apps";
