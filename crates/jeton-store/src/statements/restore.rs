//! What a restore runs beside copying tables: the same text for both engines, without arguments.
//!
//! Apps are known again by their client ids, which are random, so the state before and the backup may also be of
//! different installations: then nothing of the one concerns the other. Tokens are known again by app and digest, and where another
//! key has made the digest since, by app and number.

use super::Statement;
use crate::schema::Tokens;
use jeton_core::TokenId;
use sea_query::{Expr, ExprTrait, Query};

/// Notes what the database knows of apps, tokens and operators before their tables are emptied.
pub(crate) const REMEMBER: &str = "
    CREATE TEMP TABLE was_apps AS
        SELECT id, client_id, client_secret, client_key_id, client_first_key_id, settings, data_key, deleted_at FROM apps;
    CREATE TEMP TABLE was_client_digests AS SELECT * FROM client_digests;
    CREATE TEMP TABLE was_tokens AS
        SELECT id AS was_number, app_id, digest, digest_key_id, first_key_id, is_foreign, sealed, kind, user_id,
            user_is_stand_in, expires_at, disabled_by, revoked_at, scopes, left_loopback, not_before, allowed_addresses,
            use_limits
        FROM tokens;
    CREATE INDEX was_tokens_digest ON was_tokens (digest, app_id);
    CREATE INDEX was_tokens_number ON was_tokens (was_number, app_id);
    CREATE TEMP TABLE was_digests AS SELECT * FROM token_digests;
    CREATE INDEX was_digests_token ON was_digests (token_id);
    CREATE TEMP TABLE was_budgets AS SELECT * FROM token_budgets;
    CREATE INDEX was_budgets_token ON was_budgets (token_id, app_id);
    CREATE TEMP TABLE was_tombstones AS SELECT * FROM tokens WHERE revoked_at IS NOT NULL;
    CREATE TEMP TABLE was_operators AS
        SELECT id, digest, digest_key_id, first_key_id, created_at, revoked_at FROM operators WHERE revoked_at IS NOT NULL";

/// Once the backup is in: which app is which of before.
pub(crate) const MATCH_APPS: &str = "
    CREATE TEMP TABLE was_same AS
        SELECT apps.id AS app_id, was_apps.id AS was_id, was_apps.client_secret, was_apps.client_key_id,
            was_apps.client_first_key_id, was_apps.settings, was_apps.data_key, was_apps.deleted_at
        FROM apps JOIN was_apps ON was_apps.client_id = apps.client_id;
    CREATE INDEX was_same_app ON was_same (app_id)";

/// Tokens that were rotated since have the secret that they had, and their old one ends when it did.
pub(crate) const KEEP_ROTATED: &str = "
    CREATE TEMP TABLE was_rotated AS
        SELECT tokens.id AS token_id, tokens.app_id, tokens.digest AS old_digest, tokens.digest_key_id AS old_key_id,
            tokens.first_key_id AS old_first_key_id, tokens.is_foreign AS old_is_foreign, was_digests.good_from,
            was_digests.good_until, was_tokens.digest, was_tokens.digest_key_id, was_tokens.first_key_id,
            was_tokens.is_foreign, was_tokens.sealed
        FROM was_same
        JOIN was_digests ON was_digests.app_id = was_same.was_id
        JOIN tokens ON tokens.app_id = was_same.app_id AND tokens.digest = was_digests.digest
        JOIN was_tokens ON was_tokens.app_id = was_digests.app_id AND was_tokens.was_number = was_digests.token_id;
    UPDATE tokens SET digest = was_rotated.digest, digest_key_id = was_rotated.digest_key_id,
        first_key_id = was_rotated.first_key_id, is_foreign = was_rotated.is_foreign, sealed = was_rotated.sealed
        FROM was_rotated WHERE was_rotated.token_id = tokens.id;
    INSERT INTO token_digests (digest, app_id, token_id, digest_key_id, first_key_id, is_foreign, good_from, good_until)
        SELECT old_digest, app_id, token_id, old_key_id, old_first_key_id, old_is_foreign, good_from, good_until
        FROM was_rotated;
    DROP TABLE was_rotated";

/// Which token is which of before, by the secret that it has or, if it was rotated between, had; or else, where another key has made a
/// digest of it since, by its number.
pub(crate) const MATCH_TOKENS: &str = "
    CREATE TEMP TABLE was AS
        SELECT tokens.id AS token_id, was_tokens.*
        FROM was_same
        JOIN was_tokens ON was_tokens.app_id = was_same.was_id
        JOIN tokens ON tokens.app_id = was_same.app_id AND tokens.digest = was_tokens.digest;
    CREATE UNIQUE INDEX was_token ON was (token_id);
    CREATE INDEX was_number ON was (was_number);
    INSERT INTO was
        SELECT token_digests.token_id, was_tokens.*
        FROM was_same
        JOIN was_tokens ON was_tokens.app_id = was_same.was_id
        JOIN token_digests ON token_digests.app_id = was_same.app_id AND token_digests.digest = was_tokens.digest
        WHERE true ON CONFLICT DO NOTHING;
    CREATE TEMP TABLE was_renewed AS
        SELECT tokens.id AS token_id, tokens.app_id, was_tokens.was_number
        FROM was_same
        JOIN was_tokens ON was_tokens.app_id = was_same.was_id
        JOIN tokens ON tokens.app_id = was_same.app_id AND tokens.id = was_tokens.was_number
        WHERE (was_tokens.digest_key_id <> tokens.digest_key_id
            OR coalesce(was_tokens.first_key_id, 0) <> coalesce(tokens.first_key_id, 0)
            OR EXISTS (
                SELECT 1 FROM was_digests
                WHERE was_digests.token_id = was_tokens.was_number AND was_digests.app_id = was_tokens.app_id
                AND (was_digests.digest_key_id <> tokens.digest_key_id
                    OR coalesce(was_digests.first_key_id, 0) <> coalesce(tokens.first_key_id, 0))))
        AND NOT EXISTS (SELECT 1 FROM was WHERE was.was_number = was_tokens.was_number)
        AND NOT EXISTS (SELECT 1 FROM was WHERE was.token_id = tokens.id);
    CREATE UNIQUE INDEX was_renewed_token ON was_renewed (token_id);
    INSERT INTO was
        SELECT was_renewed.token_id, was_tokens.*
        FROM was_renewed
        JOIN was_tokens ON was_tokens.was_number = was_renewed.was_number";

/// Tokens whose digests another key has made since have the secrets that they had: nobody can tell from digests of two keys whether
/// the token was rotated between.
pub(crate) const KEEP_RENEWED: &str = "
    UPDATE tokens SET digest = was.digest, digest_key_id = was.digest_key_id, first_key_id = was.first_key_id,
        is_foreign = was.is_foreign, sealed = CASE WHEN tokens.revoked_at IS NULL THEN was.sealed END
        FROM was
        WHERE was.token_id = tokens.id AND tokens.id IN (SELECT token_id FROM was_renewed)
        AND NOT EXISTS (
            SELECT 1 FROM tokens taken WHERE taken.app_id = tokens.app_id AND taken.digest = was.digest);
    DELETE FROM token_digests WHERE token_id IN (SELECT token_id FROM was_renewed);
    INSERT INTO token_digests
        (digest, app_id, token_id, digest_key_id, first_key_id, is_foreign, good_from, good_until)
        SELECT was_digests.digest, was_renewed.app_id, was_renewed.token_id, was_digests.digest_key_id,
            was_digests.first_key_id, was_digests.is_foreign, was_digests.good_from, was_digests.good_until
        FROM was_renewed
        JOIN was_digests ON was_digests.token_id = was_renewed.was_number
        WHERE NOT EXISTS (
            SELECT 1 FROM token_digests there
            WHERE there.app_id = was_renewed.app_id AND there.digest = was_digests.digest)
        AND NOT EXISTS (
            SELECT 1 FROM tokens own
            WHERE own.app_id = was_renewed.app_id AND own.digest = was_digests.digest);
    DROP TABLE was_renewed";

/// Of this token, which the backup does not know as revoked.
const LIVE: &str = "FROM was WHERE was.token_id = tokens.id AND tokens.revoked_at IS NULL";

/// Tokens that the backup has and the database had no more, although it had given out their numbers: they were removed
/// since.
pub(crate) fn leave_out_removed(given_out: i64) -> String {
    format!(
        "DELETE FROM tokens WHERE id <= {given_out} AND app_id IN (SELECT app_id FROM was_same) \
         AND NOT EXISTS (SELECT 1 FROM was WHERE was.token_id = tokens.id)"
    )
}

/// Tokens that were revoked since.
pub(crate) fn keep_revoked() -> String {
    format!(
        "UPDATE tokens SET sealed = NULL, revoked_at = was.revoked_at {LIVE} AND was.revoked_at IS NOT NULL"
    )
}

/// Tokens that were switched off since.
pub(crate) fn keep_disabled() -> String {
    format!(
        "UPDATE tokens SET disabled_by = was.disabled_by {LIVE} \
         AND tokens.disabled_by IS NULL AND was.disabled_by IS NOT NULL"
    )
}

/// Tokens that another switched off again: whoever did it first may not switch them on.
pub(crate) fn keep_disablers() -> String {
    format!(
        "UPDATE tokens SET disabled_by = was.disabled_by {LIVE} \
         AND tokens.disabled_by IS NOT NULL AND was.disabled_by IS NOT NULL"
    )
}

/// Tokens whose end was brought forward since.
pub(crate) fn keep_ended() -> String {
    format!(
        "UPDATE tokens SET expires_at = was.expires_at {LIVE} AND was.expires_at IS NOT NULL \
         AND (tokens.expires_at IS NULL OR tokens.expires_at > was.expires_at)"
    )
}

/// Tokens that are of another kind now, such as one that a LoopBack write made self-made. Of two kinds neither allows all
/// that the other does, so that everything is as it was.
pub(crate) fn keep_kinds() -> String {
    format!(
        "UPDATE tokens SET kind = was.kind, user_id = was.user_id, user_is_stand_in = was.user_is_stand_in, \
         scopes = was.scopes {LIVE} AND tokens.kind <> was.kind"
    )
}

/// Tokens that prove another user now, or none: neither do they speak for the one of before, nor are they that user's.
pub(crate) fn keep_users() -> String {
    format!(
        "UPDATE tokens SET user_id = was.user_id, user_is_stand_in = was.user_is_stand_in {LIVE} \
         AND tokens.user_id IS NOT NULL AND NOT CAST(tokens.user_is_stand_in AS BOOLEAN) \
         AND (was.user_id IS NULL OR CAST(was.user_is_stand_in AS BOOLEAN) OR was.user_id <> tokens.user_id)"
    )
}

/// Tokens that have left LoopBack's view since.
pub(crate) fn keep_off_loopback() -> String {
    format!(
        "UPDATE tokens SET left_loopback = was.left_loopback {LIVE} \
         AND CAST(was.left_loopback AS BOOLEAN) AND NOT CAST(tokens.left_loopback AS BOOLEAN)"
    )
}

/// Tokens whose beginning was put off since.
pub(crate) fn keep_beginnings() -> String {
    format!(
        "UPDATE tokens SET not_before = was.not_before {LIVE} AND was.not_before IS NOT NULL \
         AND (tokens.not_before IS NULL OR tokens.not_before < was.not_before)"
    )
}

/// Tokens that are bound to addresses now, or to others: lists are as they are, since of two neither may lie within the other.
pub(crate) fn keep_addresses() -> String {
    keep_other("allowed_addresses")
}

/// Tokens whose uses are limited now, or otherwise: limits are as they are, since of two neither may lie within the other.
pub(crate) fn keep_limits() -> String {
    keep_other("use_limits")
}

/// Tokens that have something in this column now, where they had nothing or something else.
fn keep_other(column: &str) -> String {
    format!(
        "UPDATE tokens SET {column} = was.{column} {LIVE} AND was.{column} IS NOT NULL \
         AND (tokens.{column} IS NULL OR tokens.{column} <> was.{column})"
    )
}

/// What is left of those limits is what was left: a use that was made stays made.
pub(crate) const KEEP_BUDGETS: &str = "
    DELETE FROM token_budgets WHERE token_id IN (SELECT token_id FROM was WHERE use_limits IS NOT NULL);
    INSERT INTO token_budgets (app_id, token_id, uses_left, uses_since, rates, levels, filled_at)
        SELECT tokens.app_id, tokens.id, was_budgets.uses_left, was_budgets.uses_since, was_budgets.rates,
            was_budgets.levels, was_budgets.filled_at
        FROM was
        JOIN tokens ON tokens.id = was.token_id
        JOIN was_budgets ON was_budgets.token_id = was.was_number AND was_budgets.app_id = was.app_id
        WHERE was.use_limits IS NOT NULL";

/// Up to so many tokens with other scopes than they had, from this number on, with both.
pub(crate) fn other_scopes(from: i64, limit: usize) -> String {
    format!(
        "SELECT tokens.id, tokens.scopes, was.scopes AS was_scopes FROM tokens JOIN was ON was.token_id = tokens.id \
         WHERE tokens.id >= {from} AND tokens.revoked_at IS NULL AND tokens.scopes <> was.scopes \
         ORDER BY tokens.id LIMIT {limit}"
    )
}

/// Gives a token these scopes.
pub(crate) fn narrow(id: TokenId, scopes: String) -> Statement {
    Statement::fixed(
        Query::update()
            .table(Tokens::Table)
            .value(Tokens::Scopes, scopes)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .take(),
    )
}

/// Tombstones of tokens that the backup does not know. Nobody sees their numbers: they get new ones.
pub(crate) const KEEP_TOMBSTONES: &str = "
    INSERT INTO tokens (app_id, kind, digest, digest_key_id, first_key_id, is_foreign, user_id, user_is_stand_in, created_at,
        updated_at, expires_at, disabled_by, revoked_at, scopes, left_loopback, revision)
    SELECT was_same.app_id, dead.kind, dead.digest, dead.digest_key_id, dead.first_key_id, dead.is_foreign, dead.user_id,
        dead.user_is_stand_in, dead.created_at, dead.updated_at, dead.expires_at, dead.disabled_by, dead.revoked_at,
        dead.scopes, dead.left_loopback, dead.revision
    FROM was_tombstones dead JOIN was_same ON was_same.was_id = dead.app_id
    WHERE NOT EXISTS (
        SELECT 1 FROM tokens WHERE tokens.app_id = was_same.app_id AND tokens.digest = dead.digest)
    AND NOT EXISTS (SELECT 1 FROM was WHERE was.was_number = dead.id)";

/// Further digests that the token has no more, or never had.
pub(crate) const KEEP_DIGESTS: &str = "
    DELETE FROM token_digests
    WHERE EXISTS (SELECT 1 FROM was WHERE was.token_id = token_digests.token_id)
    AND NOT EXISTS (
        SELECT 1 FROM was_digests JOIN was_same ON was_same.was_id = was_digests.app_id
        WHERE was_same.app_id = token_digests.app_id AND was_digests.digest = token_digests.digest)
    AND NOT EXISTS (SELECT 1 FROM was WHERE was.token_id = token_digests.token_id AND was.digest = token_digests.digest)
    AND NOT EXISTS (
        SELECT 1 FROM was JOIN was_digests ON was_digests.token_id = was.was_number
        WHERE was.token_id = token_digests.token_id AND was_digests.digest_key_id <> token_digests.digest_key_id
        AND coalesce(was_digests.good_from, -1) = coalesce(token_digests.good_from, -1)
        AND coalesce(was_digests.good_until, -1) = coalesce(token_digests.good_until, -1))";

/// Of the further digest of before.
const SAME_DIGEST: &str = "FROM was_digests JOIN was_same ON was_same.was_id = was_digests.app_id \
    WHERE was_same.app_id = token_digests.app_id AND was_digests.digest = token_digests.digest";

/// Further digests that were given a later beginning since.
pub(crate) fn keep_begun() -> String {
    format!(
        "UPDATE token_digests SET good_from = was_digests.good_from {SAME_DIGEST} AND was_digests.good_from IS NOT NULL \
         AND (token_digests.good_from IS NULL OR token_digests.good_from < was_digests.good_from)"
    )
}

/// Further digests that were given an earlier end since.
pub(crate) fn keep_over() -> String {
    format!(
        "UPDATE token_digests SET good_until = was_digests.good_until {SAME_DIGEST} AND was_digests.good_until IS NOT NULL \
         AND (token_digests.good_until IS NULL OR token_digests.good_until > was_digests.good_until)"
    )
}

/// The further digests of tombstones: as little can they be issued again.
pub(crate) const KEEP_DEAD_DIGESTS: &str = "
    INSERT INTO token_digests
        (digest, app_id, token_id, digest_key_id, first_key_id, is_foreign, good_from, good_until)
    SELECT was_digests.digest, tokens.app_id, tokens.id, was_digests.digest_key_id, was_digests.first_key_id,
        was_digests.is_foreign, was_digests.good_from, was_digests.good_until
    FROM was_digests
    JOIN was_tombstones dead ON dead.id = was_digests.token_id AND dead.app_id = was_digests.app_id
    JOIN was_same ON was_same.was_id = dead.app_id
    JOIN tokens ON tokens.app_id = was_same.app_id AND tokens.digest = dead.digest
    WHERE NOT EXISTS (
        SELECT 1 FROM token_digests there
        WHERE there.app_id = was_same.app_id AND there.digest = was_digests.digest)
    AND NOT EXISTS (
        SELECT 1 FROM tokens own WHERE own.app_id = was_same.app_id AND own.digest = was_digests.digest)";

/// Apps that were deleted since.
pub(crate) const KEEP_DELETED: &str = "
    UPDATE apps SET client_secret = NULL, data_key = NULL, settings = '{}', deleted_at = was_same.deleted_at
    FROM was_same
    WHERE was_same.app_id = apps.id AND apps.deleted_at IS NULL AND was_same.deleted_at IS NOT NULL";

/// Of an app that is there still.
const LIVE_APP: &str = "FROM was_same WHERE was_same.app_id = apps.id AND apps.deleted_at IS NULL AND was_same.deleted_at IS NULL";

/// Client secrets beside those of the apps themselves, of apps that are deleted and of those that the database knew.
pub(crate) const FORGET_CLIENT_DIGESTS: &str = "
    DELETE FROM client_digests WHERE app_id IN (SELECT app_id FROM was_same)
    OR app_id IN (SELECT id FROM apps WHERE deleted_at IS NOT NULL)";

/// Those of apps that the database knew, as they are.
pub(crate) const KEEP_CLIENT_DIGESTS: &str = "
    INSERT INTO client_digests (app_id, digest, digest_key_id, first_key_id, good_from, good_until)
    SELECT apps.id, was_client_digests.digest, was_client_digests.digest_key_id, was_client_digests.first_key_id, was_client_digests.good_from, was_client_digests.good_until
    FROM was_client_digests
    JOIN was_same ON was_same.was_id = was_client_digests.app_id
    JOIN apps ON apps.id = was_same.app_id AND apps.deleted_at IS NULL";

/// Client secrets as they are: an older one was replaced for a reason.
pub(crate) fn keep_client_secrets() -> String {
    format!(
        "UPDATE apps SET client_secret = was_same.client_secret, client_key_id = was_same.client_key_id, \
         client_first_key_id = was_same.client_first_key_id {LIVE_APP} \
         AND apps.client_secret <> was_same.client_secret"
    )
}

/// Settings as they are: rules, roles and what else they let through have no common part that both would allow.
pub(crate) fn keep_settings() -> String {
    format!("UPDATE apps SET settings = was_same.settings {LIVE_APP} AND apps.settings <> was_same.settings")
}

/// What was sealed under a data key that was destroyed since is not to be opened again. The number of a data key, which it keeps
/// whatever seals it, is in four bytes behind that of the ring's.
pub(crate) const FORGET_SEALED: &str = "
    UPDATE tokens SET sealed = NULL
    WHERE sealed IS NOT NULL AND app_id IN (
        SELECT apps.id FROM apps JOIN was_same ON was_same.app_id = apps.id
        WHERE apps.data_key IS NOT NULL AND (was_same.data_key IS NULL OR was_same.data_key <> apps.data_key
            AND (octet_length(apps.data_key) < 9 OR substr(was_same.data_key, 6, 4) <> substr(apps.data_key, 6, 4))))";

/// Data keys as they are.
pub(crate) fn keep_data_keys() -> String {
    format!("UPDATE apps SET data_key = was_same.data_key {LIVE_APP}")
}

/// Operators that were revoked since.
pub(crate) const KEEP_REVOKED_OPERATORS: &str = "
    UPDATE operators SET revoked_at = was_operators.revoked_at
    FROM was_operators
    WHERE operators.revoked_at IS NULL AND (was_operators.digest = operators.digest
        OR was_operators.id = operators.id AND was_operators.created_at = operators.created_at
            AND (was_operators.digest_key_id <> operators.digest_key_id
                OR coalesce(was_operators.first_key_id, 0) <> coalesce(operators.first_key_id, 0)))";

/// How many tokens, of apps that both know, the database knew nothing of: nobody can say what became of them.
pub(crate) const UNKNOWN_TOKENS: &str = "
    SELECT count(*) FROM tokens
    WHERE app_id IN (SELECT app_id FROM was_same)
    AND NOT EXISTS (SELECT 1 FROM was WHERE was.token_id = tokens.id)";

/// The same of apps, where the database knew any.
pub(crate) const UNKNOWN_APPS: &str = "
    SELECT count(*) FROM apps
    WHERE EXISTS (SELECT 1 FROM was_apps) AND id NOT IN (SELECT app_id FROM was_same)";

/// Ends what [`REMEMBER`], [`MATCH_APPS`] and [`MATCH_TOKENS`] began.
pub(crate) const FORGET: &str = "
    DROP TABLE was; DROP TABLE was_same; DROP TABLE was_operators; DROP TABLE was_tombstones; DROP TABLE was_digests; DROP TABLE was_tokens;
    DROP TABLE was_budgets; DROP TABLE was_client_digests; DROP TABLE was_apps";

#[cfg(test)]
mod tests {
    use crate::schema::Column;
    use crate::shape::SHAPES;

    /// Every column, and what becomes of it where the database knows the row, too. Who adds one decides it here: what
    /// limits a token or an app must be as narrow as it is now.
    const DECIDED: [(&str, &[&str], &[&str]); 6] = [
        (
            "tokens",
            // No wider than now.
            &[
                "kind",
                "user_id",
                "user_is_stand_in",
                "expires_at",
                "disabled_by",
                "revoked_at",
                "scopes",
                "left_loopback",
                "not_before",
                "allowed_addresses",
                "use_limits",
                "sealed",
                "digest",
            ],
            // Limits nothing: as the backup has it.
            &[
                "id",
                "app_id",
                "digest_key_id",
                "first_key_id",
                "is_foreign",
                "created_at",
                "updated_at",
                "title",
                "tags",
                "description",
                "permissions_as_sent",
                "document",
                // No change ever touches it, and numbers are those of the backup.
                "parent_id",
                "lineage",
                "revision",
            ],
        ),
        (
            "token_digests",
            &["digest", "good_from", "good_until"],
            &["app_id", "token_id", "digest_key_id", "first_key_id", "is_foreign"],
        ),
        (
            "token_budgets",
            &["uses_left", "uses_since", "rates", "levels", "filled_at"],
            &["app_id", "token_id"],
        ),
        (
            "apps",
            &["client_secret", "client_key_id", "client_first_key_id", "settings", "data_key", "deleted_at"],
            &["id", "key", "client_id", "created_at", "updated_at", "revision", "is_default"],
        ),
        (
            "client_digests",
            &["digest", "digest_key_id", "first_key_id", "good_from", "good_until"],
            &["app_id"],
        ),
        (
            "operators",
            &["revoked_at"],
            &["id", "name", "digest", "digest_key_id", "first_key_id", "created_at"],
        ),
    ];

    #[test]
    fn every_column_is_decided() {
        for (table, limiting, others) in DECIDED {
            let shape = SHAPES.iter().find(|shape| shape.table.name() == table).unwrap();
            let mut columns: Vec<&str> = shape.fields.iter().map(|field| field.name.name()).collect();
            let mut decided = [limiting, others].concat();
            columns.sort_unstable();
            decided.sort_unstable();
            assert_eq!(columns, decided, "{table}");
        }
    }
}
