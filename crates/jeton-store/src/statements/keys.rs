//! Statements about the keys that rows were made with.

use super::{Statement, one_more};
use crate::keys::{DigestPlace, NewDigest};
use crate::schema::{Apps, ClientDigests, KeyChecks, Operators, TokenDigests, Tokens};
use jeton_core::{AppId, Digest, Timestamp, TokenId};
use sea_query::{Alias, Expr, ExprTrait, Order, Query, UnionType, UpdateStatement};

/// How many rows need each key, but for data keys: nothing but indexes is read of tokens.
pub(crate) const USES: &str = "\
    SELECT 'tokens' AS kind, digest_key_id AS key_id, count(*) AS count FROM tokens GROUP BY digest_key_id \
    UNION ALL SELECT 'further', digest_key_id, count(*) FROM token_digests GROUP BY digest_key_id \
    UNION ALL SELECT 'clients', client_key_id, count(*) FROM apps WHERE deleted_at IS NULL GROUP BY client_key_id \
    UNION ALL SELECT 'clients', digest_key_id, count(*) FROM client_digests GROUP BY digest_key_id \
    UNION ALL SELECT 'operators', digest_key_id, count(*) FROM operators WHERE revoked_at IS NULL GROUP BY digest_key_id \
    UNION ALL SELECT 'begun', first_key_id, count(*) FROM tokens WHERE first_key_id IS NOT NULL GROUP BY first_key_id \
    UNION ALL SELECT 'begun', first_key_id, count(*) FROM token_digests WHERE first_key_id IS NOT NULL GROUP BY first_key_id \
    UNION ALL SELECT 'begun', client_first_key_id, count(*) FROM apps \
        WHERE client_first_key_id IS NOT NULL AND deleted_at IS NULL GROUP BY client_first_key_id \
    UNION ALL SELECT 'begun', first_key_id, count(*) FROM client_digests WHERE first_key_id IS NOT NULL GROUP BY first_key_id \
    UNION ALL SELECT 'begun', first_key_id, count(*) FROM operators \
        WHERE first_key_id IS NOT NULL AND revoked_at IS NULL GROUP BY first_key_id";

/// The keys that seal data keys, in four bytes, with how many. They are named there: see the service's `keys/seal.rs`.
pub(crate) const DATA_KEYS: &str = "\
    SELECT substr(data_key, 2, 4) AS data_key, count(*) AS count FROM apps WHERE data_key IS NOT NULL GROUP BY 1";

/// How many rows need this key, or 1 in the place of all tokens that do. Data keys are not counted.
pub(crate) fn needing(key_id: u32) -> String {
    format!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM tokens WHERE digest_key_id = {key_id} LIMIT 1) AS one) \
         + (SELECT count(*) FROM token_digests WHERE digest_key_id = {key_id}) \
         + (SELECT count(*) FROM apps WHERE deleted_at IS NULL AND client_key_id = {key_id}) \
         + (SELECT count(*) FROM client_digests WHERE digest_key_id = {key_id}) \
         + (SELECT count(*) FROM operators WHERE revoked_at IS NULL AND digest_key_id = {key_id})"
    )
}

/// How many rows have a digest that was made from one of this key, in whatever way, or 1 in the place of all tokens that do.
pub(crate) fn begun_by(key_id: u32) -> String {
    format!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM tokens WHERE first_key_id IS NOT NULL \
         AND first_key_id <= {key_id} AND digest_key_id > {key_id} LIMIT 1) AS one) \
         + (SELECT count(*) FROM token_digests WHERE first_key_id <= {key_id} AND digest_key_id > {key_id}) \
         + (SELECT count(*) FROM apps WHERE deleted_at IS NULL AND client_first_key_id <= {key_id} \
            AND client_key_id > {key_id}) \
         + (SELECT count(*) FROM client_digests WHERE first_key_id <= {key_id} AND digest_key_id > {key_id}) \
         + (SELECT count(*) FROM operators WHERE revoked_at IS NULL AND first_key_id <= {key_id} AND digest_key_id > {key_id})"
    )
}

/// 1 if an app has a token with a digest that another key than this one has made, or has begun; 0 if it has none.
pub(crate) fn made_otherwise(app_id: AppId, key_id: u32) -> String {
    let app_id = app_id.get();
    format!(
        "SELECT count(*) FROM (SELECT 1 FROM tokens WHERE app_id = {app_id} AND first_key_id IS NOT NULL \
         UNION ALL SELECT 1 FROM key_checks WHERE key_id <> {key_id} AND EXISTS \
            (SELECT 1 FROM tokens WHERE tokens.digest_key_id = key_checks.key_id AND tokens.app_id = {app_id}) \
         UNION ALL SELECT 1 FROM token_digests WHERE app_id = {app_id} \
            AND (first_key_id IS NOT NULL OR digest_key_id <> {key_id}) \
         LIMIT 1) AS one"
    )
}

/// Those of an app's tokens whose digests this key has made, of their secrets.
pub(crate) fn made_by(app_id: AppId, key_id: u32, ids: &[TokenId]) -> Statement {
    let mut made = Query::select();
    made.column(Tokens::Id)
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).eq(app_id.get()))
        .and_where(Expr::col(Tokens::Id).is_in(ids.iter().map(|id| id.get())))
        .and_where(Expr::col(Tokens::DigestKeyId).eq(i64::from(key_id)))
        .and_where(Expr::col(Tokens::FirstKeyId).is_null());
    Statement::varying(made)
}

/// Marks a key as retired, with the check value of what is left of it.
pub(crate) fn retire_key(key_id: u32, check: &[u8], at: Timestamp) -> Statement {
    Statement::fixed(
        Query::update()
            .table(KeyChecks::Table)
            .value(KeyChecks::CheckValue, check.to_vec())
            .value(KeyChecks::RetiredAt, at.as_millis())
            .and_where(Expr::col(KeyChecks::KeyId).eq(i64::from(key_id)))
            .take(),
    )
}

/// The instant at which a key was retired, of one that the database knows.
pub(crate) fn retired_at(key_id: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .column(KeyChecks::RetiredAt)
            .from(KeyChecks::Table)
            .and_where(Expr::col(KeyChecks::KeyId).eq(i64::from(key_id)))
            .take(),
    )
}

/// At most `limit` tokens whose digest was made by this key, behind a place, in the order of app and number.
pub(crate) fn old_tokens(key_id: u32, after: Option<(AppId, TokenId)>, limit: u32) -> Statement {
    let (app_id, id) = after.map_or((0, 0), |(app_id, id)| (app_id.get(), id.get()));
    let place = Expr::tuple([Expr::col(Tokens::AppId), Expr::col(Tokens::Id)]);
    Statement::fixed(
        Query::select()
            .columns([Tokens::Id, Tokens::AppId, Tokens::Digest, Tokens::FirstKeyId, Tokens::Sealed])
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::DigestKeyId).eq(i64::from(key_id)))
            .and_where(place.gt(Expr::tuple([Expr::val(app_id), Expr::val(id)])))
            .order_by(Tokens::AppId, Order::Asc)
            .order_by(Tokens::Id, Order::Asc)
            .limit(u64::from(limit))
            .take(),
    )
}

/// At most `limit` further digests of tokens that were made by this key.
pub(crate) fn old_further(key_id: u32, limit: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([TokenDigests::AppId, TokenDigests::Digest, TokenDigests::FirstKeyId])
            .from(TokenDigests::Table)
            .and_where(Expr::col(TokenDigests::DigestKeyId).eq(i64::from(key_id)))
            .limit(u64::from(limit))
            .take(),
    )
}

/// At most `limit` apps whose client secret's digest was made by this key.
pub(crate) fn old_clients(key_id: u32, limit: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([Apps::Id, Apps::ClientSecret, Apps::ClientFirstKeyId])
            .from(Apps::Table)
            .and_where(Expr::col(Apps::DeletedAt).is_null())
            .and_where(Expr::col(Apps::ClientKeyId).eq(i64::from(key_id)))
            .limit(u64::from(limit))
            .take(),
    )
}

/// At most `limit` digests of client secrets beside those that were made by this key.
pub(crate) fn old_client_digests(key_id: u32, limit: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([ClientDigests::AppId, ClientDigests::Digest, ClientDigests::FirstKeyId])
            .from(ClientDigests::Table)
            .and_where(Expr::col(ClientDigests::DigestKeyId).eq(i64::from(key_id)))
            .limit(u64::from(limit))
            .take(),
    )
}

/// At most `limit` operators whose token's digest was made by this key.
pub(crate) fn old_operators(key_id: u32, limit: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([Operators::Id, Operators::Digest, Operators::FirstKeyId])
            .from(Operators::Table)
            .and_where(Expr::col(Operators::RevokedAt).is_null())
            .and_where(Expr::col(Operators::DigestKeyId).eq(i64::from(key_id)))
            .limit(u64::from(limit))
            .take(),
    )
}

fn bytes(digest: &Digest) -> Vec<u8> {
    digest.as_bytes().to_vec()
}

/// Gives a row another digest of its secret, made by this key, if it still has the one of before.
pub(crate) fn replace_digest(new: &NewDigest, key_id: u32) -> Statement {
    let (key_id, first) = (i64::from(key_id), new.first_key_id.map(i64::from));
    Statement::fixed(match new.place {
        DigestPlace::Token(app_id, id) => replace_of_token(new, (app_id, id), key_id),
        DigestPlace::Further(app_id) => replace_further(new, app_id, key_id),
        // A change that was begun before starts over.
        DigestPlace::Client(app_id) => Query::update()
            .table(Apps::Table)
            .value(Apps::ClientSecret, bytes(&new.digest))
            .value(Apps::ClientKeyId, key_id)
            .value(Apps::ClientFirstKeyId, first)
            .value(Apps::Revision, one_more(Apps::Revision))
            .and_where(Expr::col(Apps::Id).eq(app_id.get()))
            .and_where(Expr::col(Apps::ClientSecret).eq(bytes(&new.was)))
            .take(),
        DigestPlace::OldClient(app_id) => Query::update()
            .table(ClientDigests::Table)
            .value(ClientDigests::Digest, bytes(&new.digest))
            .value(ClientDigests::DigestKeyId, key_id)
            .value(ClientDigests::FirstKeyId, first)
            .and_where(Expr::col(ClientDigests::AppId).eq(app_id.get()))
            .and_where(Expr::col(ClientDigests::Digest).eq(bytes(&new.was)))
            .take(),
        DigestPlace::Operator(id) => Query::update()
            .table(Operators::Table)
            .value(Operators::Digest, bytes(&new.digest))
            .value(Operators::DigestKeyId, key_id)
            .value(Operators::FirstKeyId, first)
            .and_where(Expr::col(Operators::Id).eq(id.get()))
            .and_where(Expr::col(Operators::Digest).eq(bytes(&new.was)))
            .take(),
    })
}

/// The name of the table of tokens where it stands for another token.
const TAKEN: &str = "taken";

/// Of a token, unless another of its app has that digest, or its secret was sealed or forgotten meanwhile. No key of the ring has
/// minted its secret once the key of before is retired: from now on it counts as foreign.
fn replace_of_token(new: &NewDigest, (app_id, id): (AppId, TokenId), key_id: i64) -> UpdateStatement {
    let taken = |column: Tokens| Expr::col((Alias::new(TAKEN), column));
    let is_taken = Query::select()
        .expr(Expr::val(1_i64))
        .from_as(Tokens::Table, Alias::new(TAKEN))
        .and_where(taken(Tokens::Digest).eq(bytes(&new.digest)))
        .and_where(taken(Tokens::AppId).eq(app_id.get()))
        .take();
    let sealed = Expr::col((Tokens::Table, Tokens::Sealed));
    let mut update = Query::update();
    update
        .table(Tokens::Table)
        .value(Tokens::Digest, bytes(&new.digest))
        .value(Tokens::DigestKeyId, key_id)
        .value(Tokens::FirstKeyId, new.first_key_id.map(i64::from))
        .value(Tokens::IsForeign, true)
        .and_where(Expr::col((Tokens::Table, Tokens::Id)).eq(id.get()))
        .and_where(Expr::col((Tokens::Table, Tokens::AppId)).eq(app_id.get()))
        .and_where(Expr::col((Tokens::Table, Tokens::Digest)).eq(bytes(&new.was)))
        .and_where(Expr::exists(is_taken).not());
    match &new.sealed {
        None => update.and_where(sealed.is_null()),
        Some(text) => update.value(Tokens::Sealed, text.clone()).and_where(sealed.is_not_null()),
    };
    update
}

/// Of a further secret of a token, unless another of its app has that digest.
fn replace_further(new: &NewDigest, app_id: AppId, key_id: i64) -> UpdateStatement {
    let taken = |column: TokenDigests| Expr::col((Alias::new(TAKEN), column));
    let is_taken = Query::select()
        .expr(Expr::val(1_i64))
        .from_as(TokenDigests::Table, Alias::new(TAKEN))
        .and_where(taken(TokenDigests::Digest).eq(bytes(&new.digest)))
        .and_where(taken(TokenDigests::AppId).eq(app_id.get()))
        .take();
    let own = |column: TokenDigests| Expr::col((TokenDigests::Table, column));
    Query::update()
        .table(TokenDigests::Table)
        .value(TokenDigests::Digest, bytes(&new.digest))
        .value(TokenDigests::DigestKeyId, key_id)
        .value(TokenDigests::FirstKeyId, new.first_key_id.map(i64::from))
        .value(TokenDigests::IsForeign, true)
        .and_where(own(TokenDigests::AppId).eq(app_id.get()))
        .and_where(own(TokenDigests::Digest).eq(bytes(&new.was)))
        .and_where(Expr::exists(is_taken).not())
        .take()
}

/// Gives an app its data key in another form, if it has the one of before.
pub(crate) fn replace_data_key(id: AppId, was: &[u8], data_key: &[u8]) -> Statement {
    Statement::fixed(
        Query::update()
            .table(Apps::Table)
            .value(Apps::DataKey, data_key.to_vec())
            .value(Apps::Revision, one_more(Apps::Revision))
            .and_where(Expr::col(Apps::Id).eq(id.get()))
            .and_where(Expr::col(Apps::DataKey).eq(was.to_vec()))
            .take(),
    )
}

/// The keys that made the digests of an app's client secrets.
pub(crate) fn client_keys(id: AppId) -> Statement {
    let own = Query::select()
        .expr_as(Expr::col(Apps::ClientSecret), ClientDigests::Digest)
        .expr_as(Expr::col(Apps::ClientKeyId), ClientDigests::DigestKeyId)
        .expr_as(Expr::col(Apps::ClientFirstKeyId), ClientDigests::FirstKeyId)
        .from(Apps::Table)
        .and_where(Expr::col(Apps::Id).eq(id.get()))
        .and_where(Expr::col(Apps::ClientSecret).is_not_null())
        .take();
    let mut all = Query::select()
        .columns([ClientDigests::Digest, ClientDigests::DigestKeyId, ClientDigests::FirstKeyId])
        .from(ClientDigests::Table)
        .and_where(Expr::col(ClientDigests::AppId).eq(id.get()))
        .take();
    Statement::fixed(all.union(UnionType::All, own).take())
}

/// Which of these digests tokens have, with their apps, be it as that of the secret which they show or as a further one.
pub(crate) fn with_digests(digests: &[Digest]) -> Statement {
    let digests = || digests.iter().map(bytes);
    let further = Query::select()
        .columns([TokenDigests::AppId, TokenDigests::Digest])
        .from(TokenDigests::Table)
        .and_where(Expr::col(TokenDigests::Digest).is_in(digests()))
        .take();
    let mut all = Query::select()
        .columns([Tokens::AppId, Tokens::Digest])
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::Digest).is_in(digests()))
        .take();
    Statement::varying(all.union(UnionType::All, further).take())
}
