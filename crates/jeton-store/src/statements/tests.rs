use super::Engine;
use super::Statement;
use super::copy::MAKE_MARK;
use super::families::{ancestors, children, delegated};
use super::keys::old_tokens;
use super::registry::{self, Runs, all};
use super::retention::purge_tokens;
use super::self_made::take_back_self_made;
use super::stats::{bounded_counts, worth_a_look};
use super::token_lists::{count_tokens, list_tokens};
use super::token_search::{Stretch, end_of_span, search_span, search_tokens};
use super::tokens::{Half, foreign_digests, sweep_deleted_apps, sweep_sealed, tokens_by_digests};
use super::totals::{COUNT_INSERTED, total};
use crate::migrations;
use crate::model::{Order, OwnerFilter, Purge, TokenFilter, TokenPage, View};
use crate::search::{Reach, TokenSearch};
use jeton_core::{TokenId, TokenKind};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, Statement as _};
use std::collections::BTreeSet;

const SOURCES: [&str; 21] = [
    include_str!("apps.rs"),
    include_str!("budgets.rs"),
    include_str!("copy.rs"),
    include_str!("families.rs"),
    include_str!("genesis.rs"),
    include_str!("idempotency.rs"),
    include_str!("keys.rs"),
    include_str!("log.rs"),
    include_str!("nodes.rs"),
    include_str!("operators.rs"),
    include_str!("per_user.rs"),
    include_str!("restore.rs"),
    include_str!("retention.rs"),
    include_str!("rotation.rs"),
    include_str!("self_made.rs"),
    include_str!("stats.rs"),
    include_str!("token_lists.rs"),
    include_str!("token_search.rs"),
    include_str!("tokens.rs"),
    include_str!("totals.rs"),
    include_str!("usage.rs"),
];

async fn sqlite() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrations::migrate(&mut connection, migrations::SQLITE).await.unwrap();
    connection.execute(MAKE_MARK).await.unwrap();
    connection
}

async fn postgres() -> PgConnection {
    let url = jeton_testkit::Cluster::shared().create_database();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    migrations::migrate(&mut connection, migrations::POSTGRES).await.unwrap();
    connection.execute(MAKE_MARK).await.unwrap();
    connection
}

#[test]
fn no_statement_is_missing() {
    let listed: BTreeSet<_> = all().into_iter().map(|(name, ..)| name).collect();
    let mut written = BTreeSet::new();
    for source in SOURCES {
        for function in source.split("\npub(crate) fn ").skip(1) {
            let (name, rest) = function.split_once('(').unwrap();
            let signature = rest.split_once('{').unwrap().0;
            if signature.trim_end().ends_with("-> Statement") {
                written.insert(name);
            }
        }
        assert!(!source.contains("\npub fn "), "a builder that this test does not find");
    }
    assert_eq!(listed, written);
}

#[test]
fn no_statement_asks_for_time_or_randomness() {
    for (name, runs, statement) in all() {
        let sql = match runs {
            Runs::OnPostgres => statement.build(Engine::Postgres).unwrap().0,
            Runs::Everywhere | Runs::OnSqlite => statement.build(Engine::Sqlite).unwrap().0,
        };
        let sql = sql.as_str().to_lowercase();
        for banned in ["now(", "current_timestamp", "random(", "strftime(", "clock_timestamp"] {
            assert!(!sql.contains(banned), "{name}: {sql}");
        }
    }
}

#[test]
fn every_statement_has_a_value_for_each_place() {
    for (name, runs, statement) in all() {
        if runs != Runs::OnPostgres {
            let (sql, values, _) = statement.build(Engine::Sqlite).unwrap();
            // A text in the statement that holds a question mark would be miscounted: there is none.
            assert_eq!(sql.as_str().matches('?').count(), values.0.0.len(), "{name}: {}", sql.as_str());
        }
    }
}

#[tokio::test]
async fn sqlite_prepares_every_statement() {
    let mut connection = sqlite().await;
    for (name, runs, statement) in all() {
        if runs != Runs::OnPostgres {
            let (sql, ..) = statement.build(Engine::Sqlite).unwrap();
            let prepared = connection.prepare(sql.clone()).await;
            prepared.unwrap_or_else(|error| panic!("{name}: {error}\n{}", sql.as_str()));
        }
    }
}

#[tokio::test]
async fn postgres_prepares_every_statement() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let mut connection = postgres().await;
    for (name, runs, statement) in all() {
        if runs != Runs::OnSqlite {
            let (sql, ..) = statement.build(Engine::Postgres).unwrap();
            let prepared = connection.prepare(sql.clone()).await;
            let prepared = prepared.unwrap_or_else(|error| panic!("{name}: {error}\n{}", sql.as_str()));
            // One numbered column each: a statement that answers with two of the same name would be read wrongly.
            let names: BTreeSet<_> = prepared.columns().iter().map(Column::name).collect();
            assert_eq!(names.len(), prepared.columns().len(), "{name}");
        }
    }
}

/// A page of each search, and how far it looks, with the index that has what is sought, or all that it is among.
fn of_searches(engine: Engine) -> Vec<(&'static str, &'static str, Statement)> {
    let index = |search: &TokenSearch| match search.reach() {
        Reach::Live => "tokens_live",
        Reach::Revoked => "tokens_revoked",
        Reach::Disabled => "tokens_disabled",
        Reach::Ending => "tokens_ending",
        Reach::Titled | Reach::OfTitle => "tokens_titled",
        Reach::OfUser => "tokens_live_by_user",
        Reach::Tagged => "tokens_tagged",
        Reach::Eternal => "tokens_eternal",
    };
    let mut all = Vec::new();
    for (name, search) in registry::searches() {
        let (index, place) = (index(&search), registry::place(&search));
        all.extend([
            (name, index, search_tokens(&search, Stretch::behind(Some(&place), 10))),
            (name, index, end_of_span(&search, Some(&place), 1_000)),
        ]);
        let is_range = matches!(search.reach(), Reach::Live | Reach::Revoked);
        all.push(if is_range || engine == Engine::Postgres {
            let within = Stretch { after: Some(&place), up_to: Some(&place), limit: 10 };
            (name, index, search_tokens(&search, within))
        } else {
            ("a span", index, search_span(&search, Some(&place), 1_000, 10))
        });
    }
    all
}

/// What must not read a whole table, with the index that it reads instead.
fn by_index(engine: Engine) -> Vec<(&'static str, &'static str, Statement)> {
    let filter = |owner| TokenFilter {
        app_id: registry::APP,
        kinds: TokenKind::SHARED.to_vec(),
        owner,
        view: View::Whole,
        unused_since: None,
    };
    let page = |order| TokenPage { order, after: TokenId::new(10_000), skip: 0, limit: 10 };
    let far = |order| TokenPage { after: None, skip: 100, ..page(order) };
    let (any, named) = (filter(OwnerFilter::Any), filter(OwnerFilter::Named(registry::user())));
    let on_loopback = |owner| TokenFilter {
        app_id: registry::APP,
        kinds: vec![TokenKind::Identity, TokenKind::Grant, TokenKind::SelfMade],
        owner,
        view: View::LoopBack(registry::AT),
        unused_since: None,
    };
    let created = |descending| Order::Created { descending, after: Some((registry::AT, registry::TOKEN)) };
    let (seen, shown) = (on_loopback(OwnerFilter::Any), on_loopback(OwnerFilter::Shown(registry::user())));
    let mut all = of_searches(engine);
    all.extend([
        ("newest first", "tokens_live", list_tokens(&any, page(Order::NewestFirst))),
        ("oldest first", "tokens_live", list_tokens(&any, page(Order::OldestFirst))),
        ("far down", "tokens_live", list_tokens(&any, far(Order::NewestFirst))),
        ("of a user", "tokens_live_by_user", list_tokens(&named, page(Order::NewestFirst))),
        // What was not used lately is counted one by one.
        ("a count", "tokens_live", count_tokens(&any)),
        ("a count of a user", "tokens_live_by_user", count_tokens(&named)),
        // LoopBack's `find`, whatever its order, `count`, and both by `userId`. `GET /:id` goes by digest.
        ("rows on LoopBack", "tokens_live", list_tokens(&seen, page(Order::OldestFirst))),
        ("a count on LoopBack", "tokens_off_loopback", total(&seen)),
        ("a user's rows on LoopBack", "tokens_live_by_user", list_tokens(&shown, page(Order::OldestFirst))),
        ("a count of a user on LoopBack", "tokens_off_loopback", total(&shown)),
        ("newest rows on LoopBack", "tokens_on_loopback", list_tokens(&seen, page(created(true)))),
        ("oldest rows on LoopBack", "tokens_on_loopback", list_tokens(&seen, page(created(false)))),
        ("by digest", "tokens_digest", tokens_by_digests(&[registry::digest()])),
        ("by digests", "tokens_digest", tokens_by_digests(&[registry::digest(); 3])),
        (
            "of foreign secrets",
            "tokens_foreign",
            foreign_digests(TokenId::new(1).unwrap(), TokenId::new(9).unwrap(), 10),
        ),
        ("a sweep of live ones", "tokens_live", sweep_deleted_apps(Half::Live, 10)),
        ("a sweep of revoked ones", "tokens_revoked", sweep_deleted_apps(Half::Revoked, 10)),
        ("a sweep of sealed values", "tokens_sealed", sweep_sealed(registry::APP, 10)),
        ("a purge of expired ones", "tokens_ending", purge_tokens(Purge::Expired, registry::AT, 10)),
        (
            "self-made ones taken back",
            "tokens_self_made",
            take_back_self_made(registry::APP, registry::AT, 10),
        ),
        ("the disabled ones of an app", "tokens_disabled", bounded_counts(registry::APP, registry::AT)),
        ("the expired ones of an app", "tokens_ending", bounded_counts(registry::APP, registry::AT)),
        ("the revoked ones of an app", "tokens_revoked", bounded_counts(registry::APP, registry::AT)),
        ("what ends soon", "tokens_ending", worth_a_look(registry::APP, registry::spans())),
        ("the oldest ones", "tokens_live", worth_a_look(registry::APP, registry::spans())),
        ("made by a key", "tokens_key", old_tokens(1, Some((registry::APP, registry::TOKEN)), 10)),
        ("what a token made", "tokens_children", children(registry::APP, registry::TOKEN, 10)),
        ("what any tokens made", "tokens_children", delegated(Some((registry::TOKEN, registry::TOKEN)), 10)),
        ("a purge of tombstones", "tokens_tombstones", purge_tokens(Purge::Revoked, registry::AT, 10)),
    ]);
    if engine == Engine::Postgres {
        // SQLite has them by their numbers, without an index.
        all.push(("what is above a token", "tokens_pkey", ancestors(registry::APP, &[registry::TOKEN; 3])));
    }
    all
}

#[tokio::test]
async fn sqlite_reads_by_index() {
    let mut connection = sqlite().await;
    for (name, index, statement) in by_index(Engine::Sqlite) {
        let (sql, values, _) = statement.build(Engine::Sqlite).unwrap();
        let sql = sql.as_str();
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as_with(AssertSqlSafe(explain), values).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<_> = plan.into_iter().map(|(.., step)| step).collect();
        let step = format!("INDEX {index} (");
        assert!(plan.iter().any(|line| line.contains(&step)), "{name}: {plan:#?}\n{sql}");
        let is_scan = |line: &String| line.starts_with("SCAN tokens") || line.starts_with("SCAN apps");
        // A sweep looks for deleted apps among all of them; nothing else may.
        assert!(!plan.iter().any(is_scan) || name.contains("sweep of"), "{name}: {plan:#?}");
        assert!(!plan.iter().any(|line| line.starts_with("SCAN tokens")), "{name}: {plan:#?}");
        // A span is short, and sorted once it is there.
        let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        assert!(!sorts || name == "a span", "{name} sorts: {plan:#?}");
        let is_covered = plan.iter().any(|line| line.contains(&format!("COVERING {step}")));
        assert!(is_covered || !name.contains("count"), "{name}: {plan:#?}");
    }
}

#[tokio::test]
async fn sqlite_counts_new_tokens_by_their_numbers() {
    let mut connection = sqlite().await;
    let statements: Vec<_> = COUNT_INSERTED.split(';').map(str::trim).filter(|sql| !sql.is_empty()).collect();
    assert_eq!(statements.len(), 2);
    for sql in statements {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).bind(1_i64).fetch_all(&mut connection).await.unwrap();
        let by_number = "SEARCH tokens USING INTEGER PRIMARY KEY (rowid>?)";
        assert!(plan.iter().any(|(.., step)| step == by_number), "{plan:#?}");
    }
}

/// PostgreSQL goes by what is there: many apps, one of them deleted, and so many tokens that an index is worth it. The
/// vacuum notes which pages need no look at the table.
const MANY_TOKENS: [&str; 4] = [
    "INSERT INTO apps (key, client_id, settings, created_at, updated_at, revision, is_default, deleted_at) \
     SELECT 'app' || n, 'client' || n, '{}', 0, 0, 1, false, CASE WHEN n = 2 THEN 0 END FROM generate_series(1, 50) n",
    "INSERT INTO tokens (app_id, kind, digest, digest_key_id, is_foreign, sealed, user_id, user_is_stand_in, \
     created_at, updated_at, expires_at, revoked_at, scopes, revision) \
     SELECT 1 + n % 50, 'grant', sha256(n::text::bytea), 1, false, CASE WHEN n % 51 = 0 THEN ''::bytea END, \
     (n % 77)::text, n % 3 = 0, 0, 0, CASE WHEN n % 3 = 0 THEN n END, CASE WHEN n % 21 < 2 THEN 0 END, '[]', 1 FROM generate_series(1, 20000) n",
    "VACUUM ANALYZE",
    "SET enable_seqscan = off",
];

#[tokio::test]
async fn postgres_reads_by_index() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let mut connection = postgres().await;
    for sql in MANY_TOKENS {
        connection.execute(sql).await.unwrap();
    }
    for (name, index, statement) in by_index(Engine::Postgres) {
        let (sql, values, _) = statement.build(Engine::Postgres).unwrap();
        let sql = sql.as_str();
        let explain = format!("EXPLAIN {sql}");
        let plan: Vec<String> =
            sqlx::query_scalar_with(AssertSqlSafe(explain), values).fetch_all(&mut connection).await.unwrap();
        let scans = [format!("using {index} on tokens"), format!("Bitmap Index Scan on {index}")];
        let is_used = plan.iter().any(|line| scans.iter().any(|scan| line.contains(scan)));
        assert!(is_used, "{name}: {plan:#?}\n{sql}");
        assert!(!plan.iter().any(|line| line.contains("Seq Scan on tokens")), "{name}: {plan:#?}");
        let is_covered = plan.iter().any(|line| line.contains("Index Only Scan"));
        assert!(is_covered || !name.contains("count"), "{name}: {plan:#?}");
    }
}

/// Entries of the change log, uses, further digests, budgets: as many as there are tokens.
const MANY_OTHERS: [&str; 4] = [
    "INSERT INTO changes (at, kind, app_id, subject_id, actor) \
     SELECT n, 'token_issued', 1 + n % 50, n, 'cli' FROM generate_series(1, 20000) n",
    "INSERT INTO token_digests (app_id, token_id, digest, digest_key_id, is_foreign, good_from, good_until) \
     SELECT app_id, id, sha256(digest), 1, false, 0, id FROM tokens",
    "INSERT INTO token_usage (app_id, token_id, last_used_at, use_count) SELECT app_id, id, 0, 1 FROM tokens",
    "INSERT INTO token_budgets (app_id, token_id, uses_left, uses_since, rates, levels, filled_at) \
     SELECT app_id, id, 1, 1, '[]', '[]', 0 FROM tokens",
];
/// What grows with what is stored.
const LARGE: [&str; 6] =
    ["tokens", "changes", "token_digests", "token_usage", "token_budgets", "user_totals"];
/// What reads or writes all of a table: copies and restores of everything, and a log that was restored from another cluster, which is
/// found out by an index.
const WHOLE: [&str; 4] = ["all_rows", "remove_all_rows", "rows_after", "settle_restored_changes"];

/// However many tokens there are, what requests and background work ask reads a part of them, by an index.
#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let mut connection = postgres().await;
    for sql in [&MANY_TOKENS[..2], &MANY_OTHERS[..], &MANY_TOKENS[2..]].concat() {
        connection.execute(sql).await.unwrap();
    }
    let mut whole = BTreeSet::new();
    for (name, runs, statement) in all() {
        if runs == Runs::OnSqlite {
            continue;
        }
        let (sql, values, _) = statement.build(Engine::Postgres).unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN {}", sql.as_str()));
        let plan: Vec<String> = sqlx::query_scalar_with(explain, values)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let reads = |table: &&str| plan.iter().any(|line| line.contains(&format!("Seq Scan on {table} ")));
        if LARGE.iter().any(reads) {
            whole.insert(name);
        }
    }
    assert_eq!(whole, BTreeSet::from(WHOLE));
}
