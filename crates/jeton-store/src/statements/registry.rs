//! Every statement, with arguments, for tests.

mod of_keys;

use super::log::{LogOrder, NewChange};
use super::token_search::Stretch;
use super::tokens::Half;
use super::{
    Statement, apps, budgets, copy, families, genesis, idempotency, log, nodes, operators, per_user, restore,
    retention, rotation, self_made, stats, token_lists, token_search, tokens, totals, usage,
};
use crate::audit::{AppUses, AuditFilter, Spans};
use crate::budgets::TokenBudget;
use crate::change::{Removal, SeenTransactions};
use crate::keys::ClientKey;
use crate::model::{
    AppChange, Credential, KeyCheck, NewApp, NewClientSecret, NewOperator, NewToken, Order, OwnerFilter,
    Purge, TokenFilter, TokenPage, TokenUse, View,
};
use crate::nodes::Node;
use crate::search::{PlaceKey, SearchOrder, SearchPlace, TitleSearch, TokenSearch};
use crate::shape::{Cells, Field, Holds, PASSING, SHAPES};
use crate::write::RotateToken;
use jeton_core::{
    Actor, AppId, AppKey, Budget, Cause, ChangeKind, Digest, OperatorId, Owner, Scopes, Timestamp, Token,
    TokenId, TokenKind, TokenSpec, TokenState, UseLimits, UserId,
};
use sea_query::Value;

/// Which engines run a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    Everywhere,
    OnSqlite,
    OnPostgres,
}

/// A builder's name, who runs what it builds, and what it builds. Builders whose text varies appear once for each shape.
pub(super) fn all() -> Vec<(&'static str, Runs, Statement)> {
    let mut all = about_apps();
    all.extend(about_tokens());
    all.extend(about_lists());
    all.extend(about_searches());
    all.extend(about_usage());
    all.extend(about_the_look_of_operators());
    all.extend(about_the_rest());
    all.extend(of_keys::all());
    all.extend(about_tables());
    all
}

pub(super) const AT: Timestamp = Timestamp::MIN;
pub(super) const APP: AppId = AppId::new(1).unwrap();
pub(super) const TOKEN: TokenId = TokenId::new(1).unwrap();
const OPERATOR: OperatorId = OperatorId::new(1).unwrap();

pub(super) fn digest() -> Digest {
    Digest::from_bytes(&[1; Digest::LEN]).unwrap()
}

fn key() -> AppKey {
    "demo".parse().unwrap()
}

pub(super) fn user() -> UserId {
    "7".parse().unwrap()
}

fn about_apps() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::Everywhere;
    let new = NewApp {
        key: key(),
        client_id: "client".to_owned(),
        client_secret: digest(),
        client_key_id: 1,
        settings: "{}".to_owned(),
        data_key: None,
        created_at: AT,
    };
    let whole = AppChange {
        settings: Some("{}".to_owned()),
        client_secret: Some(NewClientSecret::alone(1, digest())),
        data_key: Some(Some(vec![1])),
        suspends: None,
    };
    let without_key = AppChange { data_key: Some(None), ..AppChange::default() };
    vec![
        ("app_by_key", Everywhere, apps::app_by_key(&key())),
        ("app_by_id", Everywhere, apps::app_by_id(APP)),
        ("key_of_client", Everywhere, apps::key_of_client("client")),
        ("client_of", Everywhere, apps::client_of(&key())),
        ("client_digests", Everywhere, apps::client_digests(APP)),
        ("forget_client_digests", Everywhere, apps::forget_client_digests(APP)),
        (
            "insert_client_digest",
            Everywhere,
            apps::insert_client_digest(
                APP,
                &Credential::lasting(digest()),
                ClientKey { key_id: 1, first_key_id: Some(1) },
            ),
        ),
        ("default_app", Everywhere, apps::default_app()),
        ("apps", Everywhere, apps::apps()),
        ("apps_after", Everywhere, apps::apps_after(0, 10)),
        ("app_names", Everywhere, apps::app_names(&[APP, APP], None)),
        ("app_names", Everywhere, apps::app_names(&[], Some(&key()))),
        ("count_apps", Everywhere, apps::count_apps()),
        ("insert_app", Everywhere, apps::insert_app(&new, true)),
        ("update_app", Everywhere, apps::update_app(APP, 1, &AppChange::default(), AT)),
        ("update_app", Everywhere, apps::update_app(APP, 1, &whole, AT)),
        ("update_app", Everywhere, apps::update_app(APP, 1, &without_key, AT)),
        ("delete_app", Everywhere, apps::delete_app(APP, AT)),
        ("with_another_data_key", Everywhere, apps::with_another_data_key(APP, &[1], false)),
        ("with_another_data_key", Runs::OnSqlite, apps::with_another_data_key(APP, &[1], true)),
    ]
}

fn a_budget() -> TokenBudget {
    let limits: UseLimits = "uses=5@1 rates=1/1".parse().unwrap();
    let (uses_since, left) = (Some(1), Budget::full(&limits, AT));
    TokenBudget { app_id: APP, token_id: TOKEN, uses_since, rates: limits.rates, left }
}

fn a_rotation() -> RotateToken {
    RotateToken {
        app_id: APP,
        id: TOKEN,
        expected: 1,
        digest: digest(),
        digest_key_id: 1,
        sealed: Some(vec![1]),
        sealed_under: None,
        old_until: AT,
        at: AT,
        by: Cause::CLI,
    }
}

fn about_tokens() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::{Everywhere, OnPostgres, OnSqlite};
    let new = new_token();
    let rows = |count| vec![tokens::new_row(APP, &new); count];
    vec![
        ("insert_tokens", OnSqlite, tokens::insert_tokens(rows(1), Some(0))),
        ("insert_tokens", OnSqlite, tokens::insert_tokens(rows(33), Some(0))),
        ("insert_tokens", OnSqlite, tokens::insert_tokens(rows(tokens::MAX_INSERTED), Some(0))),
        (
            "insert_tokens_with_entries",
            OnSqlite,
            tokens::insert_tokens_with_entries(rows(3), 0, &[change(), change(), change()]),
        ),
        (
            "insert_tokens_of_app",
            OnPostgres,
            tokens::insert_tokens_of_app(rows(2), (AT, &Cause::CLI), APP, Some(&[1])),
        ),
        ("insert_tokens", OnPostgres, tokens::insert_tokens(rows(1), None)),
        ("insert_tokens", OnPostgres, tokens::insert_tokens(rows(tokens::MAX_INSERTED), None)),
        ("tokens_above", Everywhere, tokens::tokens_above(1)),
        ("tokens_of_user", Everywhere, per_user::tokens_of_user(APP, &user())),
        ("expired_of_user", Everywhere, per_user::expired_of_user(APP, &user(), AT)),
        ("token_to_rotate", Everywhere, rotation::token_to_rotate(APP, TOKEN, 1)),
        ("retire_digest", Everywhere, rotation::retire_digest(TOKEN, AT)),
        ("rotate_token", Everywhere, rotation::rotate_token(&a_rotation())),
        ("shorten_digests", Everywhere, rotation::shorten_digests(TOKEN, AT)),
        ("forget_old_digests", Everywhere, rotation::forget_old_digests(TOKEN)),
        ("tokens_by_digests", Everywhere, tokens::tokens_by_digests(&[digest()])),
        ("tokens_by_digests", Everywhere, tokens::tokens_by_digests(&[digest(); tokens::MAX_SOUGHT])),
        ("further_digests", Everywhere, tokens::further_digests(&[digest(); tokens::MAX_INSERTED])),
        ("further_foreign_digests", Everywhere, tokens::further_foreign_digests(TOKEN, TOKEN)),
        ("foreign_digests", Everywhere, tokens::foreign_digests(TOKEN, TOKEN, 10)),
        ("token_by_id", Everywhere, tokens::token_by_id(APP, TOKEN)),
        ("tokens_by_ids", Everywhere, tokens::tokens_by_ids(APP, &[TOKEN; tokens::MAX_SOUGHT])),
        ("ancestors", Everywhere, families::ancestors(APP, &[TOKEN; tokens::MAX_SOUGHT])),
        ("delegated", Everywhere, families::delegated(Some((TOKEN, TOKEN)), 10)),
        ("children", Everywhere, families::children(APP, TOKEN, 10)),
        ("update_token", Everywhere, tokens::update_token(&token(), 1)),
        ("narrow", Everywhere, restore::narrow(TOKEN, "[]".to_owned())),
        ("tokens_to_revoke", Everywhere, tokens::tokens_to_revoke(APP, &[TOKEN, TOKEN])),
        ("revoke_tokens", Everywhere, tokens::revoke_tokens(APP, &[TOKEN, TOKEN], AT)),
        ("token_to_revoke", Everywhere, tokens::token_to_revoke(APP, TOKEN)),
        ("revoke_token", Everywhere, tokens::revoke_token(APP, TOKEN, AT)),
        ("delete_token", Everywhere, tokens::delete_token(APP, TOKEN)),
        ("sweep_deleted_apps", Everywhere, tokens::sweep_deleted_apps(Half::Live, 10)),
        ("sweep_deleted_apps", Everywhere, tokens::sweep_deleted_apps(Half::Revoked, 10)),
        ("sweep_sealed", Everywhere, tokens::sweep_sealed(APP, 10)),
        ("purge_tokens", Everywhere, retention::purge_tokens(Purge::Expired, AT, 10)),
        ("purge_tokens", Everywhere, retention::purge_tokens(Purge::Revoked, AT, 10)),
        ("self_made", Everywhere, self_made::self_made(APP, false)),
        ("self_made", Everywhere, self_made::self_made(APP, true)),
        ("add_self_made", Everywhere, self_made::add_self_made(APP, 1, 512)),
        ("take_back_self_made", Everywhere, self_made::take_back_self_made(APP, AT, 10)),
        ("token_to_replace", Everywhere, self_made::token_to_replace(APP, TOKEN, 1)),
    ]
}

fn owners_and_views() -> [(OwnerFilter, View); 4] {
    let shown = OwnerFilter::Shown(user());
    [
        (OwnerFilter::Any, View::Whole),
        (OwnerFilter::Any, View::LoopBack(AT)),
        (shown, View::Whole),
        (OwnerFilter::Named(user()), View::Whole),
    ]
}

fn about_lists() -> Vec<(&'static str, Runs, Statement)> {
    let mut all = Vec::new();
    for kinds in 0..=TokenKind::ALL.len() {
        for (owner, view) in owners_and_views() {
            let filter = TokenFilter {
                app_id: APP,
                kinds: TokenKind::ALL[..kinds].to_vec(),
                owner,
                view,
                unused_since: None,
            };
            all.push(("count_tokens", Runs::Everywhere, token_lists::count_tokens(&filter)));
            all.push(("total", Runs::Everywhere, totals::total(&filter)));
            let created = |descending, after| Order::Created { descending, after };
            let place = Some((AT, TOKEN));
            for order in [Order::NewestFirst, Order::OldestFirst, created(true, place), created(false, None)]
            {
                for after in [None, Some(TOKEN)] {
                    let page = TokenPage { order, after, skip: u64::MAX, limit: u32::MAX };
                    all.push(("list_tokens", Runs::Everywhere, token_lists::list_tokens(&filter, page)));
                }
            }
        }
    }
    let filter = TokenFilter {
        app_id: APP,
        kinds: TokenKind::ALL.to_vec(),
        owner: OwnerFilter::Any,
        view: View::Whole,
        unused_since: Some(AT),
    };
    let page = TokenPage { order: Order::NewestFirst, after: None, skip: 0, limit: 10 };
    all.push(("count_tokens", Runs::Everywhere, token_lists::count_tokens(&filter)));
    all.push(("list_tokens", Runs::Everywhere, token_lists::list_tokens(&filter, page)));
    all
}

/// Searches for one thing each, and for nothing in particular.
pub(super) fn searches() -> Vec<(&'static str, TokenSearch)> {
    let all = || TokenSearch::of(APP, AT);
    let start = || Some(TitleSearch::Prefix("t".to_owned()));
    let mut searches = vec![
        ("everything", all()),
        ("of a user", TokenSearch { user_id: Some(user()), ..all() }),
        ("of a title", TokenSearch { title: Some(TitleSearch::Whole("t".to_owned())), ..all() }),
        ("of a start of titles", TokenSearch { title: start(), ..all() }),
        ("of a tag", TokenSearch { tag: Some("a".to_owned()), ..all() }),
        ("unused", TokenSearch { unused_since: Some(AT), ..all() }),
        ("ending", TokenSearch { ends_by: Some(Timestamp::MAX), ..all() }),
        ("old", TokenSearch { created_before: Some(AT), ..all() }),
        ("never used", TokenSearch { is_never_used: true, ..all() }),
        ("of a scope", TokenSearch { scope_name: Some("s".to_owned()), ..all() }),
        ("eternal", TokenSearch { is_eternal: true, ..all() }),
        ("the oldest", TokenSearch { sorted: Some(SearchOrder::OldestFirst), ..all() }),
        ("by their ends", TokenSearch { sorted: Some(SearchOrder::EndingNext), ..all() }),
        ("by their titles", TokenSearch { sorted: Some(SearchOrder::ByTitle), ..all() }),
        (
            "by their titles, which begin so",
            TokenSearch { title: start(), sorted: Some(SearchOrder::ByTitle), ..all() },
        ),
        ("of a user and a title", TokenSearch { user_id: Some(user()), title: start(), ..all() }),
    ];
    searches.extend(TokenState::ALL.map(|state| (state.name(), TokenSearch { state: Some(state), ..all() })));
    searches
}

/// A place in the order of a search.
pub(super) fn place(search: &TokenSearch) -> SearchPlace {
    let key = match search.order() {
        SearchOrder::NewestFirst | SearchOrder::OldestFirst => PlaceKey::Number,
        SearchOrder::EndingNext | SearchOrder::EndedLast => PlaceKey::End(AT),
        SearchOrder::ByTitle => PlaceKey::Title("t".to_owned()),
    };
    SearchPlace { id: TOKEN, key }
}

fn about_searches() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::{Everywhere, OnSqlite};
    let mut all = vec![("count_active", Everywhere, token_search::count_active(APP, AT))];
    for (_, search) in searches() {
        let place = place(&search);
        let stretch = Stretch { after: Some(&place), up_to: Some(&place), limit: 10 };
        all.extend([
            ("search_tokens", Everywhere, token_search::search_tokens(&search, stretch)),
            ("search_places", Everywhere, token_search::search_places(&search, Stretch::behind(None, 10))),
            ("search_span", OnSqlite, token_search::search_span(&search, Some(&place), 100, 10)),
            ("end_of_span", Everywhere, token_search::end_of_span(&search, Some(&place), 10)),
            ("count_found", Everywhere, token_search::count_found(&search)),
        ]);
    }
    all
}

fn about_the_look_of_operators() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::{Everywhere, OnPostgres, OnSqlite};
    let whole = AuditFilter {
        app_ids: Some(vec![APP]),
        token_id: Some(TOKEN),
        actor: Some("operator".to_owned()),
        address: Some([192, 0, 2, 1].into()),
        kind: Some(ChangeKind::TokenIssued),
        since: Some(AT),
        is_brief: true,
    };
    let (none, window) = (AuditFilter::default(), (1, 2));
    vec![
        ("audit", OnSqlite, log::audit(&none, window, 10, LogOrder::Sequence)),
        ("audit", OnSqlite, log::audit(&whole, window, 10, LogOrder::Sequence)),
        ("audit", OnPostgres, log::audit(&none, window, 10, LogOrder::Transaction)),
        ("audit", OnPostgres, log::audit(&whole, window, 10, LogOrder::Transaction)),
        ("oldest_change", Everywhere, log::oldest_change()),
        ("counts_of_apps", Everywhere, stats::counts_of_apps(0, 10, AT)),
        ("uses_of_apps", Everywhere, stats::uses_of_apps(None)),
        ("uses_of_apps", Everywhere, stats::uses_of_apps(Some(APP))),
        ("bounded_counts", Everywhere, stats::bounded_counts(APP, AT)),
        ("worth_a_look", Everywhere, stats::worth_a_look(APP, spans())),
        ("claim_key", Everywhere, idempotency::claim_key(OPERATOR, &digest(), &digest(), AT)),
        ("key_of_request", Everywhere, idempotency::key_of_request(OPERATOR, &digest())),
        ("count_keys", Everywhere, idempotency::count_keys(OPERATOR)),
        ("settle_key", Everywhere, idempotency::settle_key(OPERATOR, &digest(), 1)),
        ("release_key", Everywhere, idempotency::release_key(OPERATOR, &digest())),
        ("forget_keys", Everywhere, idempotency::forget_keys(AT)),
    ]
}

fn about_usage() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::Everywhere;
    let used = TokenUse {
        app_id: APP,
        token_id: TOKEN,
        last_used_at: AT,
        last_address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        use_count: 1,
    };
    let total = AppUses { app_id: APP, uses: 1, last_used_at: AT };
    vec![
        ("add_usage", Everywhere, usage::add_usage(&[used])),
        ("add_usage", Everywhere, usage::add_usage(&[used; usage::MAX_USED])),
        ("add_to_totals", Everywhere, usage::add_to_totals(&[total])),
        ("add_to_totals", Everywhere, usage::add_to_totals(&[total; usage::MAX_USED])),
        ("limited_token", Everywhere, budgets::limited_token(APP, TOKEN)),
        ("budgets_of", Everywhere, budgets::budgets_of(APP, &[TOKEN])),
        ("budgets_of", Everywhere, budgets::budgets_of(APP, &[TOKEN; budgets::MAX_BUDGETS])),
        ("keep_budget", Everywhere, budgets::keep_budget(&a_budget())),
        ("usage_of", Everywhere, usage::usage_of(APP, &[TOKEN])),
        ("usage_of", Everywhere, usage::usage_of(APP, &[TOKEN; usage::MAX_USED])),
    ]
}

fn about_the_rest() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::{Everywhere, OnPostgres, OnSqlite};
    let check = KeyCheck { key_id: 1, check: vec![1], retired_at: None };
    let operator =
        NewOperator { name: "root".to_owned(), digest: digest(), digest_key_id: 1, created_at: AT };
    let change = change();
    let seen = SeenTransactions { snapshot: "10:10:".to_owned(), newest: 9 };
    vec![
        ("insert_genesis", Everywhere, genesis::insert_genesis(AT, 1)),
        ("insert_key_checks", Everywhere, genesis::insert_key_checks(&[check.clone(), check])),
        ("key_checks", Everywhere, genesis::key_checks()),
        ("ping", Everywhere, genesis::ping()),
        ("note_node", Everywhere, nodes::note_node(&Node::example(1))),
        ("forget_node", Everywhere, nodes::forget_node(1)),
        ("forget_other_nodes", Everywhere, nodes::forget_other_nodes(1, AT)),
        ("nodes", Everywhere, nodes::nodes()),
        ("operators", Everywhere, operators::operators()),
        ("operator_by_id", Everywhere, operators::operator_by_id(OPERATOR)),
        ("operator_by_name", Everywhere, operators::operator_by_name("ada")),
        ("operator_by_digest", Everywhere, operators::operator_by_digest(&digest())),
        ("insert_operator", Everywhere, operators::insert_operator(&operator)),
        ("revoke_operator", Everywhere, operators::revoke_operator(OPERATOR, AT)),
        ("insert_changes", Everywhere, log::insert_changes(std::slice::from_ref(&change))),
        ("insert_changes", Everywhere, log::insert_changes(&vec![change; log::MAX_WRITTEN])),
        ("changes_after", OnSqlite, log::changes_after(0, 10, LogOrder::Sequence)),
        ("changes_after", OnPostgres, log::changes_after(0, 10, LogOrder::Transaction)),
        ("oldest_changes", OnSqlite, retention::oldest_changes(10, LogOrder::Sequence)),
        ("oldest_changes", OnPostgres, retention::oldest_changes(10, LogOrder::Transaction)),
        ("remove_changes", Everywhere, retention::remove_changes(&[1, 2])),
        ("last_change", OnSqlite, log::last_change(LogOrder::Sequence)),
        ("last_change", OnPostgres, log::last_change(LogOrder::Transaction)),
        ("settled_change", OnPostgres, log::settled_change(1)),
        ("erase_removed_secrets", Everywhere, retention::erase_removed_secrets(AT, 10)),
        ("log_state", Everywhere, log::log_state(1)),
        ("log_end", Everywhere, log::log_end(1, 1)),
        ("newest_change", Everywhere, log::newest_change()),
        ("changes_from", OnSqlite, log::changes_from(1, 10)),
        ("transactions", OnPostgres, log::transactions()),
        ("changes_since", OnPostgres, log::changes_since(&seen, 10)),
        ("settle_restored_changes", OnPostgres, log::settle_restored_changes()),
    ]
}

fn about_tables() -> Vec<(&'static str, Runs, Statement)> {
    let mut all = vec![
        ("set_epoch", Runs::Everywhere, copy::set_epoch(1)),
        ("write_mark", Runs::Everywhere, copy::write_mark("1", "1", "there")),
        ("mark", Runs::Everywhere, copy::mark()),
    ];
    for shape in SHAPES.iter().chain(PASSING) {
        let null = |field: &Field| match field.holds {
            Holds::Integer => Value::BigInt(None),
            Holds::Boolean => Value::Bool(None),
            Holds::Text => Value::String(None),
            Holds::Bytes => Value::Bytes(None),
        };
        let row: Cells = shape.fields.iter().map(null).collect();
        let place: Cells = shape.key_fields().map(null).collect();
        all.extend([
            ("all_rows", Runs::Everywhere, copy::all_rows(shape)),
            ("insert_rows", Runs::Everywhere, copy::insert_rows(shape, vec![row.clone(), row])),
            ("remove_all_rows", Runs::Everywhere, copy::remove_all_rows(shape)),
            ("rows_after", Runs::Everywhere, copy::rows_after(shape, None)),
            ("rows_after", Runs::Everywhere, copy::rows_after(shape, Some(place))),
            ("last_key", Runs::Everywhere, copy::last_key(shape)),
            ("count_rows", Runs::Everywhere, copy::count_rows(shape)),
            ("greatest", Runs::Everywhere, copy::greatest(shape.table, shape.fields[0].name)),
        ]);
    }
    all
}

pub(super) fn spans() -> Spans {
    Spans { now: AT, ends_by: AT, unused_since: AT }
}

fn change() -> NewChange<'static> {
    NewChange {
        at: AT,
        kind: ChangeKind::TokenIssued,
        app_id: Some(APP),
        subject_id: None,
        digest: Some(digest()),
        by: &Cause::CLI,
        removal: Some(Removal { was_on_loopback: true, sealed: Some(vec![1]) }),
    }
}

fn new_token() -> NewToken {
    NewToken {
        digest: digest(),
        digest_key_id: u32::MAX,
        older_digests: Vec::new(),
        is_foreign: true,
        sealed: None,
        created_at: AT,
        expires_at: None,
        disabled_by: Some(Actor::Cli),
        spec: TokenSpec::new(TokenKind::Grant, Owner::StandIn(user()), Scopes::none()),
    }
}

fn token() -> Token {
    Token {
        id: TOKEN,
        app_id: APP,
        created_at: AT,
        updated_at: AT,
        expires_at: None,
        disabled_by: None,
        revoked_at: None,
        left_loopback: false,
        ancestors: Vec::new(),
        spec: TokenSpec::new(TokenKind::Grant, Owner::Nobody, Scopes::none()),
    }
}
