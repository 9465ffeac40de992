//! Consistency checks of the stored data.

use crate::copy::count_all;
use crate::decode;
use crate::error::StoreError;
use crate::model::CheckReport;
use crate::progress::Progress;
use crate::schema::Column;
use crate::session::Session;
use crate::shape::{SHAPES, Shape};
use crate::statements::{Statement, apps, copy, self_made, totals};
use futures_util::TryStreamExt;
use sqlx::query_scalar;
use sqlx::sqlite::SqliteConnection;

/// The tables whose rows are read one by one.
const READ: [&str; 8] = [
    "tokens",
    "client_digests",
    "token_digests",
    "token_usage",
    "token_budgets",
    "usage_totals",
    "operators",
    "changes",
];

/// At most this many faults are listed; more add no information.
const MAX_FAULTS: usize = 100;

/// What no sound database has any row of, each with a statement that counts them.
const NEVER: [(&str, &str); 11] = [
    (
        "digests shared by two tokens of an app",
        "SELECT count(*) FROM (SELECT 1 FROM tokens GROUP BY digest, app_id HAVING count(*) > 1) AS twice",
    ),
    (
        "digests of a token that are further digests of another",
        "SELECT count(*) FROM token_digests JOIN tokens \
         ON tokens.digest = token_digests.digest AND tokens.app_id = token_digests.app_id",
    ),
    (
        "digests of no token",
        "SELECT count(*) FROM token_digests WHERE NOT EXISTS (SELECT 1 FROM tokens \
         WHERE tokens.id = token_digests.token_id AND tokens.app_id = token_digests.app_id)",
    ),
    (
        "client secrets of no app",
        "SELECT count(*) FROM client_digests WHERE NOT EXISTS (SELECT 1 FROM apps \
         WHERE apps.id = client_digests.app_id AND apps.deleted_at IS NULL)",
    ),
    (
        "tokens of no app",
        "SELECT count(*) FROM tokens WHERE NOT EXISTS (SELECT 1 FROM apps WHERE apps.id = tokens.app_id)",
    ),
    (
        "tokens written with a key of which there is no check value",
        "SELECT count(*) FROM (SELECT digest_key_id FROM tokens UNION ALL SELECT digest_key_id FROM token_digests) AS used \
         WHERE digest_key_id NOT IN (SELECT key_id FROM key_checks)",
    ),
    (
        "tokens that need a key which was retired",
        "SELECT count(*) FROM (SELECT digest_key_id FROM tokens UNION ALL SELECT digest_key_id FROM token_digests) AS used \
         WHERE digest_key_id IN (SELECT key_id FROM key_checks WHERE retired_at IS NOT NULL)",
    ),
    (
        "revoked tokens that still have a sealed value",
        "SELECT count(*) FROM tokens WHERE revoked_at IS NOT NULL AND sealed IS NOT NULL",
    ),
    ("apps whose self-made tokens were miscounted", self_made::MISCOUNTED),
    ("apps whose tokens were miscounted", totals::MISCOUNTED_APPS),
    ("users whose tokens were miscounted", totals::MISCOUNTED_USERS),
];

/// Faults that SQLite finds in the file itself.
pub(crate) async fn sqlite_file(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let found: Vec<String> = query_scalar("PRAGMA integrity_check")
        .fetch_all(connection)
        .await
        .map_err(StoreError::unavailable)?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

/// Reads every row, and reports those that are not valid by themselves or together.
pub(crate) async fn rows<S: Session>(
    session: &mut S,
    progress: &Progress,
) -> Result<CheckReport, StoreError> {
    let read: Vec<&Shape> = SHAPES.iter().filter(|shape| READ.contains(&shape.table.name())).collect();
    progress.begin("checking rows", count_all(session, read).await?);
    let mut report = CheckReport::default();
    let faults = &mut Faults { found: &mut report.faults, progress };
    each(session, apps::apps(), faults, |row| decode::app(row).map(drop)).await?;
    for shape in SHAPES {
        let all = copy::all_rows(shape);
        match shape.table.name() {
            "tokens" => {
                report.tokens = each(session, all, faults, |row| decode::stored_token(row).map(drop)).await?;
            }
            "client_digests" => {
                each(session, all, faults, |row| decode::client_secret(row).map(drop)).await?;
            }
            "token_digests" => {
                each(session, all, faults, |row| decode::token_digest(row).map(drop)).await?;
            }
            "token_usage" => {
                each(session, all, faults, |row| decode::token_use(row).map(drop)).await?;
            }
            "token_budgets" => {
                each(session, all, faults, |row| decode::token_budget(row).map(drop)).await?;
            }
            "usage_totals" => {
                each(session, all, faults, |row| decode::app_uses(row).map(drop)).await?;
            }
            "operators" => {
                each(session, all, faults, |row| decode::operator(row).map(drop)).await?;
            }
            "changes" => {
                report.changes = each(session, all, faults, |row| decode::change(row).map(drop)).await?;
            }
            _ => {}
        }
        numbers(session, shape, faults).await?;
    }
    progress.begin("checking how rows fit together", NEVER.len() as u64);
    for (what, sql) in NEVER {
        let count = session.number(sql.to_owned()).await?;
        progress.add(1);
        if count > 0 {
            faults.found.push(format!("there are {count} {what}"));
        }
    }
    Ok(report)
}

/// What was found, and how far the reading is.
struct Faults<'f> {
    found: &'f mut Vec<String>,
    progress: &'f Progress,
}

/// Reads each row of an answer and returns their number.
async fn each<S: Session>(
    session: &mut S,
    statement: Statement,
    faults: &mut Faults<'_>,
    read: impl Fn(&S::Row) -> Result<(), StoreError> + Send,
) -> Result<u64, StoreError> {
    let mut rows = session.stream(statement)?;
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        count += 1;
        faults.progress.add(1);
        if let Err(error) = read(&row)
            && faults.found.len() < MAX_FAULTS
        {
            faults.found.push(error.to_string());
        }
    }
    Ok(count)
}

/// Checks that no number can be assigned a second time.
async fn numbers<S: Session>(
    session: &mut S,
    shape: &Shape,
    faults: &mut Faults<'_>,
) -> Result<(), StoreError> {
    let Some(number) = shape.number else { return Ok(()) };
    let greatest = session.row(copy::greatest(shape.table, number)).await?;
    let greatest = greatest.as_ref().map(decode::count).transpose()?.unwrap_or(0);
    let given_out = session.given_out(shape.table, number).await?;
    if i64::try_from(greatest).is_ok_and(|greatest| greatest > given_out) {
        faults
            .found
            .push(format!("{} has numbers beyond {given_out}, the last given out", shape.table.name()));
    }
    Ok(())
}
