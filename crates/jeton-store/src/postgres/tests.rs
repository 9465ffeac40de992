use super::hints::{Announcer, Loss, Patience, hear};
use super::open;
use super::writer::BEGIN;
use crate::QUERY_TIME;
use crate::change::Hints;
use jeton_testkit::Cluster;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, query_scalar};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Nothing takes this long unless it hangs.
const LONG: Duration = Duration::from_secs(120);

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let sql = format!("SHOW {name}");
    query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn statements_have_time_limits_and_commits_wait_for_the_disk() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let lazy = format!("{url}?options=-csynchronous_commit%3Doff");
    let pool = open::pool(&lazy, QUERY_TIME, &Arc::default()).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "2s");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "on");
    assert_eq!(setting(&mut reader, "application_name").await, "jeton");
    let mut writer = pool.begin_with(BEGIN).await.unwrap();
    assert_eq!(setting(&mut writer, "statement_timeout").await, "10s");
    assert_eq!(setting(&mut writer, "transaction_isolation").await, "read committed");
    writer.rollback().await.unwrap();

    let stricter = format!("{url}?options=-csynchronous_commit%3Dremote_apply");
    let pool = open::pool(&stricter, Duration::from_millis(1500), &Arc::default()).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "1500ms");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "remote_apply");
}

fn announcer(pool: &PgPool) -> Announcer {
    let pool = pool.clone();
    Announcer::over(move || Some(pool.clone()))
}

#[tokio::test]
async fn a_process_that_hears_itself_again_and_again_goes_on_listening() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let pool = PgPool::connect_lazy(&Cluster::shared().create_database()).unwrap();
    let database = pool.connect_options();
    let (announcer, hints) = (announcer(&pool), watch::Sender::<Hints>::default());
    let patience = Patience { silence: Duration::from_millis(1), echo: LONG };
    let mut heard = hints.subscribe();
    let heard = heard.wait_for(|hints| hints.heard >= 5);
    tokio::select! {
        Err(loss) = hear(&database, &announcer, &hints, patience) => panic!("{loss}"),
        heard = heard => assert!(heard.unwrap().is_listening),
    }
}

#[tokio::test]
async fn listening_where_nothing_comes_through_is_no_listening() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let server = url.split(['@', '/']).nth(3).unwrap().parse().unwrap();
    let mute = mute(server).await;
    let url = format!("{}?sslmode=disable", url.replace(&server.to_string(), &mute.to_string()));
    let pool = PgPool::connect_lazy(&url).unwrap();
    let database = pool.connect_options();
    let (announcer, hints) = (announcer(&pool), watch::Sender::<Hints>::default());
    let patience = Patience { silence: LONG, echo: Duration::from_millis(100) };
    let Err(loss) = hear(&database, &announcer, &hints, patience).await;
    assert!(matches!(loss, Loss::Deaf), "{loss}");
    assert_eq!(*hints.borrow(), Hints::default());
}

/// Where the server can be reached through something that keeps its notifications back.
async fn mute(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut from_client, to_client) = client.into_split();
            let (from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(without_notifications(from_server, to_client));
        }
    });
    address
}

/// Messages are a letter, their length with its own four bytes, and the rest.
async fn without_notifications(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
) -> io::Result<()> {
    loop {
        let (kind, length) = (from.read_u8().await?, from.read_u32().await?);
        let mut rest = vec![0; length as usize - 4];
        from.read_exact(&mut rest).await?;
        if kind != b'A' {
            to.write_u8(kind).await?;
            to.write_u32(length).await?;
            to.write_all(&rest).await?;
        }
    }
}
