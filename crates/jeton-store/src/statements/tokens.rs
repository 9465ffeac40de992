//! Statements about single tokens, and the sweeps.

use super::apps::{deleted_ids, is_of_live_app, live_id};
use super::insertion::{Form, Insertion, Row, Rows};
use super::log::{ENTRY, NewChange, address, entry};
use super::totals::COUNT_INSERTED;
use super::{KeptText, Statement, one_more};
use crate::model::NewToken;
use crate::schema::{TokenDigests, Tokens};
use crate::scopes;
use jeton_core::{
    Actor, AppId, Cause, ChangeKind, Description, Digest, Document, Label, Lineage, Owner, Timestamp, Token,
    TokenId, UserId,
};
use sea_query::{
    Expr, ExprTrait, LockType, Order, Query, SelectStatement, UnionType, UpdateStatement, Value,
};

/// Most tokens in one statement. 24 arguments each make 24,576, below the 32,766 that SQLite allows by default
/// (SQLITE_MAX_VARIABLE_NUMBER) and the 65,535 of PostgreSQL's protocol (a 16-bit count).
pub(crate) const MAX_INSERTED: usize = 1_024;

/// Most digests or numbers in one question. Until it is read, a row takes some 3 KB of SQLite's values, in memory of its
/// connection that the system does not get back; one question for more of them is hardly quicker.
pub(crate) const MAX_SOUGHT: usize = 128;

/// What a token is read from.
const COLUMNS: [Tokens; 25] = [
    Tokens::Id,
    Tokens::AppId,
    Tokens::Kind,
    Tokens::Digest,
    Tokens::IsForeign,
    Tokens::Sealed,
    Tokens::UserId,
    Tokens::UserIsStandIn,
    Tokens::CreatedAt,
    Tokens::UpdatedAt,
    Tokens::ExpiresAt,
    Tokens::DisabledBy,
    Tokens::RevokedAt,
    Tokens::Title,
    Tokens::Tags,
    Tokens::Description,
    Tokens::PermissionsAsSent,
    Tokens::Scopes,
    Tokens::Document,
    Tokens::LeftLoopback,
    Tokens::NotBefore,
    Tokens::AllowedAddresses,
    Tokens::Lineage,
    Tokens::UseLimits,
    Tokens::Revision,
];

/// Which rows a sweep of deleted apps takes. Each half has an index of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Half {
    /// Those that were not revoked.
    Live,
    /// Those that were.
    Revoked,
}

/// Whole tokens, of whatever app and revoked or not.
pub(super) fn select() -> SelectStatement {
    Query::select().columns(COLUMNS).from(Tokens::Table).take()
}

pub(super) fn is_not_revoked() -> Expr {
    Expr::col(Tokens::RevokedAt).is_null()
}

/// A new token as a row. Those that break a unique index are left out.
const TOKEN: Form = Form {
    table: "tokens",
    columns: &[
        "app_id",
        "kind",
        "digest",
        "digest_key_id",
        "is_foreign",
        "sealed",
        "user_id",
        "user_is_stand_in",
        "created_at",
        "updated_at",
        "expires_at",
        "disabled_by",
        "title",
        "tags",
        "description",
        "permissions_as_sent",
        "scopes",
        "document",
        "not_before",
        "allowed_addresses",
        "parent_id",
        "lineage",
        "use_limits",
        "revision",
    ],
    otherwise: " ON CONFLICT DO NOTHING",
    returning: " RETURNING id, app_id, digest",
    around: "",
    then: COUNT_INSERTED,
    also: None,
};

static NEW: Insertion = Insertion::of(TOKEN);
static NEW_WITH_ENTRIES: Insertion =
    Insertion::of(Form { also: Some(&ENTRY), around: WITH_ENTRIES, ..TOKEN });

/// Each token with its entry in the change log, and how many apps of the number {3} have another data key than {4}, or none: one or
/// none. That is asked last: by then whoever replaces everything is done, or waits.
const WITH_ENTRIES: &str = "WITH new AS ({}), told AS (\
    INSERT INTO changes (at, kind, app_id, subject_id, digest, actor, address) \
    SELECT CAST({1} AS bigint), CAST({5} AS text), app_id, id, digest, CAST({2} AS text), CAST({6} AS text) \
    FROM new ORDER BY id RETURNING sequence) \
    SELECT id, app_id, digest, (SELECT max(sequence) FROM told) AS sequence, (SELECT count(*) FROM apps \
    WHERE id = {3} AND deleted_at IS NULL AND (data_key IS NULL OR data_key <> {4}) AND {4} IS NOT NULL) AS count \
    FROM new";

/// Inserts [rows](new_row), at least one and at most [`MAX_INSERTED`]; the others are duplicates. PostgreSQL answers the number,
/// app and digest of those that went in. SQLite answers nothing, and adds them to the totals: `before` is the number that it
/// has given out last.
pub(crate) fn insert_tokens(rows: Vec<Row>, before: Option<i64>) -> Statement {
    let then = before.map_or_else(Vec::new, |before| vec![Value::BigInt(Some(before)); 2]);
    Statement::of_rows(Rows { insertion: &NEW, rows, then, also: Vec::new() })
}

/// For SQLite, the same with the entry of each in the change log, for when it is known which numbers they are given.
pub(crate) fn insert_tokens_with_entries(
    rows: Vec<Row>,
    before: i64,
    entries: &[NewChange<'_>],
) -> Statement {
    let (then, also) = (vec![Value::BigInt(Some(before)); 2], entries.iter().map(entry).collect());
    Statement::of_rows(Rows { insertion: &NEW_WITH_ENTRIES, rows, then, also })
}

/// For PostgreSQL, the same for tokens of one app, which were issued together. Answers the number, app and digest of those that
/// went in, with each the greatest number of their entries, and how many apps of this number (one or none) have another data key
/// than this one, if one is named.
pub(crate) fn insert_tokens_of_app(
    rows: Vec<Row>,
    (at, by): (Timestamp, &Cause),
    app_id: AppId,
    data_key: Option<&[u8]>,
) -> Statement {
    let then = vec![
        Value::BigInt(Some(at.as_millis())),
        Value::String(Some(by.actor.to_string())),
        Value::BigInt(Some(app_id.get())),
        Value::Bytes(data_key.map(<[u8]>::to_vec)),
        Value::String(Some(ChangeKind::TokenIssued.name().to_owned())),
        address(by),
    ];
    Statement::of_rows(Rows { insertion: &NEW_WITH_ENTRIES, rows, then, also: Vec::new() })
}

/// The tokens with numbers above this one, as PostgreSQL answers [`insert_tokens`].
pub(crate) fn tokens_above(number: i64) -> Statement {
    Statement::fixed(
        Query::select()
            .columns(NUMBERED)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).gt(number))
            .take(),
    )
}

/// What says which number a token was given.
const NUMBERED: [Tokens; 3] = [Tokens::Id, Tokens::AppId, Tokens::Digest];

/// A new token as a row.
pub(crate) fn new_row(app_id: AppId, token: &NewToken) -> Row {
    let (user_id, is_stand_in) = owner(&token.spec.owner);
    let text = |text: Option<&str>| Value::String(text.map(str::to_owned));
    let integer = |number: i64| Value::BigInt(Some(number));
    let created_at = token.created_at.as_millis();
    vec![
        integer(app_id.get()),
        text(Some(token.spec.kind.name())),
        Value::Bytes(Some(token.digest.as_bytes().to_vec())),
        integer(i64::from(token.digest_key_id)),
        Value::Bool(Some(token.is_foreign)),
        Value::Bytes(token.sealed.clone()),
        Value::String(user_id),
        Value::Bool(Some(is_stand_in)),
        integer(created_at),
        integer(created_at),
        Value::BigInt(token.expires_at.map(Timestamp::as_millis)),
        Value::String(token.disabled_by.as_ref().map(Actor::to_string)),
        text(token.spec.title.as_ref().map(Label::as_str)),
        text(token.spec.tags.as_ref().map(Label::as_str)),
        text(token.spec.description.as_ref().map(Description::as_str)),
        text(token.spec.permissions_as_sent.as_deref()),
        Value::String(Some(scopes::to_text(&token.spec.scopes))),
        text(token.spec.document.as_ref().map(Document::as_str)),
        Value::BigInt(token.spec.bounds.not_before.map(Timestamp::as_millis)),
        Value::String(token.spec.bounds.allowed_addresses.as_ref().map(ToString::to_string)),
        Value::BigInt(token.spec.lineage.parent().map(TokenId::get)),
        Value::String(lineage(&token.spec.lineage)),
        Value::String(token.spec.limits.some().map(ToString::to_string)),
        integer(1),
    ]
}

/// The numbers of the tokens above one, if there are any.
fn lineage(lineage: &Lineage) -> Option<String> {
    let ids: Vec<String> = lineage.ids().iter().map(ToString::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// The two columns that hold an owner.
fn owner(owner: &Owner) -> (Option<String>, bool) {
    (owner.shown().map(UserId::to_string), matches!(owner, Owner::StandIn(_)))
}

/// The tokens with one of these digests, be it that of the secret which they show or a further one, with that digest. Takes
/// at most [`MAX_SOUGHT`].
pub(crate) fn tokens_by_digests(digests: &[Digest]) -> Statement {
    static ONE: KeptText = KeptText::of(|| by_digests(&[Digest::ZERO]));
    static FEW: KeptText = KeptText::of(|| by_digests(&[Digest::ZERO; FEW_DIGESTS]));
    let value = |digest: &Digest| Value::from(digest.as_bytes().to_vec());
    match digests {
        [digest] => Statement::kept(&ONE, vec![value(digest); 2]),
        [first, ..] if digests.len() <= FEW_DIGESTS => {
            let few = || (0..FEW_DIGESTS).map(|place| value(digests.get(place).unwrap_or(first)));
            Statement::kept(&FEW, few().chain(few()).collect())
        }
        _ => Statement::varying(by_digests(digests)),
    }
}

/// So many digests one secret may have while a key takes the place of another.
const FEW_DIGESTS: usize = 3;

fn by_digests(digests: &[Digest]) -> SelectStatement {
    let is_sought = |column: Expr| column.is_in(digests.iter().map(|digest| digest.as_bytes().to_vec()));
    let mut tokens = select();
    tokens
        .expr_as(Expr::col(Tokens::Digest), TokenDigests::FoundBy)
        .expr_as(Expr::cust(EVER), TokenDigests::GoodFrom)
        .expr_as(Expr::cust(EVER), TokenDigests::GoodUntil)
        .and_where(is_sought(Expr::col(Tokens::Digest)))
        .and_where(is_of_live_app());
    let of = |column: TokenDigests| (TokenDigests::Table, column);
    let further = Query::select()
        .columns(COLUMNS.map(|column| (Tokens::Table, column)))
        .expr_as(Expr::col(of(TokenDigests::Digest)), TokenDigests::FoundBy)
        .column(of(TokenDigests::GoodFrom))
        .column(of(TokenDigests::GoodUntil))
        .from(TokenDigests::Table)
        .inner_join(
            Tokens::Table,
            Expr::col((Tokens::Table, Tokens::Id))
                .equals(of(TokenDigests::TokenId))
                .and(Expr::col((Tokens::Table, Tokens::AppId)).equals(of(TokenDigests::AppId))),
        )
        .and_where(is_sought(Expr::col(of(TokenDigests::Digest))))
        .and_where(is_of_live_app())
        .take();
    tokens.union(UnionType::All, further).take()
}

/// Of which app's tokens these digests are, beside those of the secrets which they show. Takes at most [`MAX_INSERTED`].
pub(crate) fn further_digests(digests: &[Digest]) -> Statement {
    let digests = digests.iter().map(|digest| digest.as_bytes().to_vec());
    Statement::varying(further().and_where(Expr::col(TokenDigests::Digest).is_in(digests)).take())
}

/// The further digests of foreign secrets of tokens with these numbers.
pub(crate) fn further_foreign_digests(first: TokenId, last: TokenId) -> Statement {
    Statement::fixed(
        further()
            .and_where(Expr::col(TokenDigests::IsForeign))
            .and_where(Expr::col(TokenDigests::TokenId).between(first.get(), last.get()))
            .take(),
    )
}

fn further() -> SelectStatement {
    Query::select()
        .columns([
            TokenDigests::AppId,
            TokenDigests::TokenId,
            TokenDigests::Digest,
            TokenDigests::GoodFrom,
            TokenDigests::GoodUntil,
        ])
        .from(TokenDigests::Table)
        .take()
}

/// No bound. With its type, for PostgreSQL.
pub(super) const EVER: &str = "CAST(NULL AS bigint)";

/// The numbers and digests of tokens with foreign secrets, by ascending number.
pub(crate) fn foreign_digests(first: TokenId, last: TokenId, limit: u32) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([Tokens::Id, Tokens::Digest])
            .from(Tokens::Table)
            // As the index says it: SQLite uses the index for no other spelling.
            .and_where(Expr::col(Tokens::IsForeign))
            .and_where(Expr::col(Tokens::Id).between(first.get(), last.get()))
            .order_by(Tokens::Id, Order::Asc)
            .limit(u64::from(limit))
            .take(),
    )
}

pub(crate) fn token_by_id(app_id: AppId, id: TokenId) -> Statement {
    static TEXT: KeptText = KeptText::of(|| {
        select()
            .and_where(Expr::col(Tokens::Id).eq(0_i64))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(ANY_APP)))
            .and_where(is_not_revoked())
            .take()
    });
    Statement::kept(&TEXT, vec![id.get().into(), app_id.get().into()])
}

/// In the place of an argument of a text that is kept.
const ANY_APP: AppId = AppId::new(1).expect("one is a number of an app");

/// Takes at most [`MAX_SOUGHT`].
pub(crate) fn tokens_by_ids(app_id: AppId, ids: &[TokenId]) -> Statement {
    Statement::varying(
        select()
            .and_where(Expr::col(Tokens::Id).is_in(ids.iter().map(|id| id.get())))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            .take(),
    )
}

/// Answers the digest, or nothing if the revision is another, or the token is not there or revoked.
pub(crate) fn update_token(token: &Token, expected: i64) -> Statement {
    let (user_id, is_stand_in) = owner(&token.spec.owner);
    let allowed_addresses = token.spec.bounds.allowed_addresses.as_ref().map(ToString::to_string);
    Statement::fixed(
        Query::update()
            .table(Tokens::Table)
            .value(Tokens::Kind, token.spec.kind.name())
            .value(Tokens::UserId, user_id)
            .value(Tokens::UserIsStandIn, is_stand_in)
            .value(Tokens::CreatedAt, token.created_at.as_millis())
            .value(Tokens::UpdatedAt, token.updated_at.as_millis())
            .value(Tokens::ExpiresAt, token.expires_at.map(Timestamp::as_millis))
            .value(Tokens::DisabledBy, token.disabled_by.as_ref().map(Actor::to_string))
            .value(Tokens::Title, token.spec.title.as_ref().map(Label::as_str))
            .value(Tokens::Tags, token.spec.tags.as_ref().map(Label::as_str))
            .value(Tokens::Description, token.spec.description.as_ref().map(Description::as_str))
            .value(Tokens::PermissionsAsSent, token.spec.permissions_as_sent.as_deref())
            .value(Tokens::Scopes, scopes::to_text(&token.spec.scopes))
            .value(Tokens::Document, token.spec.document.as_ref().map(Document::as_str))
            .value(Tokens::LeftLoopback, token.left_loopback)
            .value(Tokens::NotBefore, token.spec.bounds.not_before.map(Timestamp::as_millis))
            .value(Tokens::AllowedAddresses, allowed_addresses)
            .value(Tokens::UseLimits, token.spec.limits.some().map(ToString::to_string))
            .value(Tokens::Revision, one_more(Tokens::Revision))
            .and_where(Expr::col(Tokens::Id).eq(token.id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(token.app_id)))
            .and_where(Expr::col(Tokens::Revision).eq(expected))
            .and_where(is_not_revoked())
            .returning_col(Tokens::Digest)
            .take(),
    )
}

/// Answers the digest, or nothing if the token is not there or revoked.
pub(crate) fn revoke_token(app_id: AppId, id: TokenId, at: Timestamp) -> Statement {
    let is_it = Expr::col(Tokens::Id).eq(id.get());
    Statement::fixed(revoke(app_id, is_it, at).returning_col(Tokens::Digest).take())
}

/// Revokes those of an app's tokens that are meant and not revoked yet.
fn revoke(app_id: AppId, is_meant: Expr, at: Timestamp) -> UpdateStatement {
    Query::update()
        .table(Tokens::Table)
        .value(Tokens::RevokedAt, at.as_millis())
        .value(Tokens::UpdatedAt, at.as_millis())
        .value(Tokens::Sealed, None::<Vec<u8>>)
        .value(Tokens::Revision, one_more(Tokens::Revision))
        .and_where(is_meant)
        .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
        .and_where(is_not_revoked())
        .take()
}

/// What the change log is told of a token that goes.
const REMOVED: [Tokens; 6] = [
    Tokens::Digest,
    Tokens::Kind,
    Tokens::DisabledBy,
    Tokens::LeftLoopback,
    Tokens::ExpiresAt,
    Tokens::Sealed,
];

/// A token that is about to be revoked, as far as the change log is told of it.
pub(crate) fn token_to_revoke(app_id: AppId, id: TokenId) -> Statement {
    Statement::fixed(
        Query::select()
            .columns(REMOVED)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            .take(),
    )
}

/// The same of many tokens, which nobody changes before this transaction is over. Takes at most 500.
pub(crate) fn tokens_to_revoke(app_id: AppId, ids: &[TokenId]) -> Statement {
    Statement::varying(
        Query::select()
            .column(Tokens::Id)
            .columns(REMOVED)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).is_in(ids.iter().map(|id| id.get())))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            // Whoever revokes some of them at the same time takes them in the same order.
            .order_by(Tokens::Id, Order::Asc)
            .lock(LockType::Update)
            .take(),
    )
}

/// Answers the number and the digest of each that was not revoked before. Takes at most 500.
pub(crate) fn revoke_tokens(app_id: AppId, ids: &[TokenId], at: Timestamp) -> Statement {
    Statement::varying(
        revoke(app_id, Expr::col(Tokens::Id).is_in(ids.iter().map(|id| id.get())), at)
            .returning(Query::returning().columns([Tokens::Id, Tokens::Digest]))
            .take(),
    )
}

/// Removes a token with its digest. Answers what the change log is told of it, or nothing if the token is not there or revoked.
pub(crate) fn delete_token(app_id: AppId, id: TokenId) -> Statement {
    Statement::fixed(
        Query::delete()
            .from_table(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            .returning(Query::returning().columns(REMOVED))
            .take(),
    )
}

/// Removes at most `limit` tokens of deleted apps.
pub(crate) fn sweep_deleted_apps(half: Half, limit: u64) -> Statement {
    let revoked_at = Expr::col(Tokens::RevokedAt);
    let batch = Query::select()
        .columns(NUMBER)
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).in_subquery(deleted_ids()))
        .and_where(match half {
            Half::Live => revoked_at.is_null(),
            Half::Revoked => revoked_at.is_not_null(),
        })
        .limit(limit)
        .take();
    Statement::fixed(Query::delete().from_table(Tokens::Table).and_where(is_of(batch)).take())
}

/// Removes the sealed values of at most `limit` tokens of an app.
pub(crate) fn sweep_sealed(app_id: AppId, limit: u64) -> Statement {
    let batch = Query::select()
        .columns(NUMBER)
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).eq(app_id.get()))
        .and_where(Expr::col(Tokens::Sealed).is_not_null())
        .limit(limit)
        .take();
    Statement::fixed(
        Query::update()
            .table(Tokens::Table)
            .value(Tokens::Sealed, None::<Vec<u8>>)
            .and_where(is_of(batch))
            .take(),
    )
}

/// What tells a token from all others and has an index. PostgreSQL has none of the second one alone.
pub(super) const NUMBER: [Tokens; 2] = [Tokens::AppId, Tokens::Id];

/// That a token is one of a batch of [`NUMBER`]s.
pub(super) fn is_of(batch: SelectStatement) -> Expr {
    Expr::tuple(NUMBER.map(Expr::col)).in_subquery(batch)
}
