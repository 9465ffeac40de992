//! Statements about apps.

use super::tokens::EVER;
use super::{Statement, one_more, unless_taken};
use crate::keys::ClientKey;
use crate::model::{AppChange, Credential, NewApp};
use crate::schema::{Apps, ClientDigests, Count, GivenOut, Tokens};
use jeton_core::{AppId, AppKey, Timestamp};
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, UnionType};

/// What an app is read from.
const COLUMNS: [Apps; 10] = [
    Apps::Id,
    Apps::Key,
    Apps::ClientId,
    Apps::ClientSecret,
    Apps::Settings,
    Apps::DataKey,
    Apps::CreatedAt,
    Apps::UpdatedAt,
    Apps::Revision,
    Apps::IsDefault,
];

fn live_ids() -> SelectStatement {
    Query::select()
        .column((Apps::Table, Apps::Id))
        .from(Apps::Table)
        .and_where(Expr::col(Apps::DeletedAt).is_null())
        .take()
}

/// The numbers of all apps that are deleted.
pub(super) fn deleted_ids() -> SelectStatement {
    Query::select()
        .column(Apps::Id)
        .from(Apps::Table)
        .and_where(Expr::col(Apps::DeletedAt).is_not_null())
        .take()
}

/// The number of this app; NULL, to which nothing is equal, if there is no such app or it is deleted.
///
/// A value, not a condition that it exists: SQLite would make a join of that and look for the app once per token.
pub(super) fn live_id(id: AppId) -> Expr {
    let live = live_ids().and_where(Expr::col((Apps::Table, Apps::Id)).eq(id.get())).take();
    Expr::SubQuery(None, Box::new(live.into()))
}

/// That the app of a token, whichever it is, is not deleted.
pub(super) fn is_of_live_app() -> Expr {
    let its_app = Expr::col((Apps::Table, Apps::Id)).equals((Tokens::Table, Tokens::AppId));
    Expr::exists(live_ids().and_where(its_app).take())
}

fn live_apps() -> SelectStatement {
    Query::select().columns(COLUMNS).from(Apps::Table).and_where(Expr::col(Apps::DeletedAt).is_null()).take()
}

/// The same, each with one of its client secrets beside its own, the latest to end first, or with NULLs: it is there once for
/// each of them.
fn live_apps_with_secrets() -> SelectStatement {
    let its_own = Expr::col((ClientDigests::Table, ClientDigests::AppId)).equals((Apps::Table, Apps::Id));
    live_apps()
        .columns([ClientDigests::Digest, ClientDigests::GoodFrom, ClientDigests::GoodUntil])
        .left_join(ClientDigests::Table, its_own)
        .order_by(ClientDigests::GoodUntil, Order::Desc)
        .order_by(ClientDigests::Digest, Order::Asc)
        .take()
}

/// Values, not a condition: they are NULL where there is no such app, and the answer is one row, and one for each client secret
/// that is good for a while, which few apps have.
pub(crate) fn client_of(key: &AppKey) -> Statement {
    let value = |column: Apps| {
        let of_app = Query::select()
            .column(column)
            .from(Apps::Table)
            .and_where(Expr::col(Apps::DeletedAt).is_null())
            .and_where(Expr::col(Apps::Key).eq(key.as_str()))
            .take();
        Expr::SubQuery(None, Box::new(of_app.into()))
    };
    let mut values = Query::select();
    values
        .expr_as(value(Apps::ClientId), Apps::ClientId)
        .expr_as(value(Apps::ClientSecret), ClientDigests::Digest)
        .expr_as(Expr::cust(EVER), ClientDigests::GoodFrom)
        .expr_as(Expr::cust(EVER), ClientDigests::GoodUntil);
    let others = Query::select()
        .expr(value(Apps::ClientId))
        .columns([ClientDigests::Digest, ClientDigests::GoodFrom, ClientDigests::GoodUntil])
        .from(ClientDigests::Table)
        .and_where(Expr::col(ClientDigests::AppId).eq(value(Apps::Id)))
        .take();
    Statement::fixed(values.union(UnionType::All, others).take())
}

/// The client secrets of an app beside its own, the latest to end first.
pub(crate) fn client_digests(id: AppId) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([ClientDigests::Digest, ClientDigests::GoodFrom, ClientDigests::GoodUntil])
            .from(ClientDigests::Table)
            .and_where(Expr::col(ClientDigests::AppId).eq(id.get()))
            .order_by(ClientDigests::GoodUntil, Order::Desc)
            .order_by(ClientDigests::Digest, Order::Asc)
            .take(),
    )
}

/// Removes the client secrets of an app beside its own.
pub(crate) fn forget_client_digests(id: AppId) -> Statement {
    Statement::fixed(
        Query::delete()
            .from_table(ClientDigests::Table)
            .and_where(Expr::col(ClientDigests::AppId).eq(id.get()))
            .take(),
    )
}

/// Gives an app one more client secret beside its own.
pub(crate) fn insert_client_digest(id: AppId, secret: &Credential, key: ClientKey) -> Statement {
    Statement::fixed(
        Query::insert()
            .into_table(ClientDigests::Table)
            .columns([
                ClientDigests::AppId,
                ClientDigests::Digest,
                ClientDigests::DigestKeyId,
                ClientDigests::FirstKeyId,
                ClientDigests::GoodFrom,
                ClientDigests::GoodUntil,
            ])
            .values_panic([
                Expr::val(id.get()),
                Expr::val(secret.digest.as_bytes().to_vec()),
                Expr::val(i64::from(key.key_id)),
                Expr::val(key.first_key_id.map(i64::from)),
                Expr::val(secret.good_from.map(Timestamp::as_millis)),
                Expr::val(secret.good_until.map(Timestamp::as_millis)),
            ])
            .take(),
    )
}

pub(crate) fn app_by_key(key: &AppKey) -> Statement {
    Statement::fixed(live_apps_with_secrets().and_where(Expr::col(Apps::Key).eq(key.as_str())).take())
}

pub(crate) fn app_by_id(id: AppId) -> Statement {
    Statement::fixed(live_apps_with_secrets().and_where(Expr::col(Apps::Id).eq(id.get())).take())
}

pub(crate) fn key_of_client(client_id: &str) -> Statement {
    let key = Query::select()
        .column(Apps::Key)
        .from(Apps::Table)
        .and_where(Expr::col(Apps::DeletedAt).is_null())
        .and_where(Expr::col(Apps::ClientId).eq(client_id))
        .take();
    Statement::fixed(key)
}

pub(crate) fn default_app() -> Statement {
    Statement::fixed(live_apps_with_secrets().and_where(Expr::col(Apps::IsDefault).eq(true)).take())
}

pub(crate) fn apps() -> Statement {
    Statement::fixed(live_apps().order_by(Apps::Id, Order::Asc).take())
}

/// Those with numbers above this one.
pub(crate) fn apps_after(after: i64, limit: u32) -> Statement {
    let mut apps = live_apps();
    apps.and_where(Expr::col(Apps::Id).gt(after)).order_by(Apps::Id, Order::Asc).limit(u64::from(limit));
    Statement::fixed(apps)
}

/// The numbers and keys of apps, deleted ones included.
pub(crate) fn app_names(ids: &[AppId], key: Option<&AppKey>) -> Statement {
    let mut is_meant = Expr::col(Apps::Id).is_in(ids.iter().map(|id| id.get()));
    if let Some(key) = key {
        is_meant = is_meant.or(Expr::col(Apps::Key).eq(key.as_str()));
    }
    Statement::varying(
        Query::select().columns([Apps::Id, Apps::Key]).from(Apps::Table).and_where(is_meant).take(),
    )
}

pub(crate) fn count_apps() -> Statement {
    Statement::fixed(
        Query::select()
            .expr_as(Func::count(Expr::col(Apps::Id)), Count)
            .from(Apps::Table)
            .and_where(Expr::col(Apps::DeletedAt).is_null())
            .take(),
    )
}

/// Answers the app, or nothing if its key or its client id is taken.
pub(crate) fn insert_app(app: &NewApp, is_default: bool) -> Statement {
    let insert = Query::insert()
        .into_table(Apps::Table)
        // Without the number, which comes first.
        .columns(COLUMNS.into_iter().skip(1).chain([Apps::ClientKeyId]))
        .values_panic([
            Expr::val(app.key.as_str()),
            Expr::val(app.client_id.as_str()),
            Expr::val(app.client_secret.as_bytes().to_vec()),
            Expr::val(app.settings.as_str()),
            Expr::val(app.data_key.clone()),
            Expr::val(app.created_at.as_millis()),
            Expr::val(app.created_at.as_millis()),
            Expr::val(1_i64),
            Expr::val(is_default),
            Expr::val(i64::from(app.client_key_id)),
        ])
        .on_conflict(unless_taken())
        .returning(Query::returning().columns(COLUMNS))
        .take();
    Statement::fixed(insert)
}

/// Answers the app as it is afterwards, or nothing if its revision is another or it is deleted.
pub(crate) fn update_app(id: AppId, expected: i64, change: &AppChange, at: Timestamp) -> Statement {
    let mut update = Query::update();
    update.table(Apps::Table).value(Apps::UpdatedAt, at.as_millis());
    update.value(Apps::Revision, one_more(Apps::Revision));
    if let Some(settings) = &change.settings {
        update.value(Apps::Settings, settings.as_str());
    }
    if let Some(client_secret) = &change.client_secret {
        update.value(Apps::ClientSecret, client_secret.digest.as_bytes().to_vec());
        update.value(Apps::ClientKeyId, i64::from(client_secret.key_id));
        update.value(Apps::ClientFirstKeyId, None::<i64>);
    }
    if let Some(data_key) = &change.data_key {
        update.value(Apps::DataKey, data_key.clone());
    }
    update
        .and_where(Expr::col(Apps::Id).eq(id.get()))
        .and_where(Expr::col(Apps::Revision).eq(expected))
        .and_where(Expr::col(Apps::DeletedAt).is_null())
        .returning(Query::returning().columns(COLUMNS));
    Statement::fixed(update)
}

/// Marks the app as deleted and wipes what is secret of it. Changes no row if there is no such app.
pub(crate) fn delete_app(id: AppId, at: Timestamp) -> Statement {
    Statement::fixed(
        Query::update()
            .table(Apps::Table)
            .value(Apps::DeletedAt, at.as_millis())
            .value(Apps::UpdatedAt, at.as_millis())
            .value(Apps::Revision, one_more(Apps::Revision))
            .value(Apps::ClientSecret, None::<Vec<u8>>)
            .value(Apps::DataKey, None::<Vec<u8>>)
            .value(Apps::Settings, "{}")
            .and_where(Expr::col(Apps::Id).eq(id.get()))
            .and_where(Expr::col(Apps::DeletedAt).is_null())
            .take(),
    )
}

/// How many apps of this number have another data key, or none: one or none. A deleted app is not asked for its own, which is
/// wiped. `with_number`, for SQLite: also the greatest number that was given to a token.
pub(crate) fn with_another_data_key(id: AppId, data_key: &[u8], with_number: bool) -> Statement {
    let is_another = Expr::col(Apps::DataKey).is_null().or(Expr::col(Apps::DataKey).ne(data_key.to_vec()));
    let mut count = Query::select();
    count
        .expr_as(Func::count(Expr::col(Apps::Id)), Count)
        .from(Apps::Table)
        .and_where(Expr::col(Apps::Id).eq(id.get()))
        .and_where(Expr::col(Apps::DeletedAt).is_null())
        .and_where(is_another);
    if with_number {
        count.expr_as(Expr::cust(GIVEN_OUT), GivenOut);
    }
    Statement::fixed(count)
}

const GIVEN_OUT: &str = "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tokens')";
