//! Fills an installation with tokens for `cargo xtask bench`: `fill DATA_DIR COUNT KEPT USERS [DATABASE_URL]`
//! issues COUNT grants of `read` in app `demo`, dealt out among USERS, and prints the secrets of KEPT of
//! them, evenly spread, one a line.

#![expect(clippy::print_stdout, reason = "its caller reads the secrets there")]

use futures_util::{StreamExt, TryStreamExt, stream};
use jeton_core::{
    Authority, Cause, Label, Lifetime, Owner, Permission, Scopes, TokenKind, TokenSpec, UserId,
};
use jeton_service::{Issue, RequestedLifetime, Service, SystemClock, SystemEntropy, read_key_file};
use jeton_store::{PostgresOptions, SqliteOptions, open_postgres, open_sqlite};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Tokens that wait for their commit at once: as many as the writer takes together.
const AT_ONCE: usize = 256;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: fill DATA_DIR COUNT KEPT USERS [DATABASE_URL]");
    let folder = PathBuf::from(next()?);
    let (count, kept, users): (u64, u64, u64) = (next()?.parse()?, next()?.parse()?, next()?.parse()?);
    let store = match next() {
        Ok(url) => open_postgres(&url, PostgresOptions::default()).await?,
        Err(_) => {
            let options = SqliteOptions { max_group: AT_ONCE, ..SqliteOptions::default() };
            open_sqlite(&folder.join("jeton.db"), options).await?
        }
    };
    let ring = read_key_file(&folder.join("keys.json"))?;
    let service = Service::open(store, &ring, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?;
    let app = service.open_app(&"demo".parse()?).await?.ok_or("there is no app demo")?;
    let authority = Authority::Everything(Cause::CLI);
    let every = (count / kept.max(1)).max(1);
    let (service, app, authority) = (&service, &app, &authority);
    stream::iter(0..count)
        .map(|number| async move {
            let issued = service.issue(app, authority, grant(number, users)?).await?;
            let issued = issued.map_err(|refusal| refusal.to_string())?;
            if number % every == 0 && number / every < kept {
                println!("{}", issued.secret.expose());
            }
            Ok::<(), Box<dyn Error>>(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    service.close().await;
    Ok(())
}

fn grant(number: u64, users: u64) -> Result<Issue, Box<dyn Error>> {
    Ok(Issue {
        lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
        spec: TokenSpec {
            title: Some(Label::new(format!("token {number}"))?),
            permissions_as_sent: Some("read".to_owned()),
            ..TokenSpec::new(
                TokenKind::Grant,
                Owner::Named(UserId::from_integer(i64::try_from(number % users.max(1))?)),
                Scopes::from_global(Permission::parse_list("read")?)?,
            )
        },
    })
}
