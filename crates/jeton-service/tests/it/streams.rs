//! Change streams over both engines: which events arrive, in which order, for which readers, and when a
//! stream ends.

use crate::backups::back_up;
use crate::fixture::{EVERYTHING, With, global, grant, identity, initialise, secret};
use jeton_core::{Cause, Clock, Lifetime, ManualClock, Secret, Timestamp, TokenId, TokenKind};
use jeton_loopback::{Condition, Row, Value};
use jeton_service::Progress;
use jeton_service::{
    Edit, Error, ImportRow, Issue, KeyRing, Limits, LoopBackCaller, Merged, OpenApp, RequestedLifetime,
    Retention, RowChange, RowEvent, RowStream, Service, StreamEnd, StreamItem, Writer, value_of_json,
};
use jeton_store::write::RevokeToken;
use jeton_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jeton_testkit::SeededEntropy;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

const DAY: i64 = 86_400_000;
const ANYBODY: LoopBackCaller = LoopBackCaller::Anybody;

/// A service that is followed and fed, with app `demo` open to all.
struct Fed {
    service: Service,
    store: Arc<dyn Store>,
    clock: ManualClock,
    stop: watch::Sender<bool>,
    folder: TempDir,
}

/// Where the data is.
#[derive(Clone, Copy)]
enum Engine {
    Sqlite,
    Postgres,
}

impl Fed {
    async fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = match engine {
            Engine::Sqlite => open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await,
            Engine::Postgres => {
                let url = jeton_testkit::Cluster::shared().create_database();
                open_postgres(&url, PostgresOptions::default()).await
            }
        };
        let store = store.unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        initialise(&*store, &ring, &clock, &SeededEntropy::new(2)).await.unwrap();
        let fed = Fed::over(store, clock, folder).await;
        fed.merge(json!({"loopback": {"acls": [
            {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "*"}]}}))
            .await;
        fed
    }

    /// Another process on the same data.
    async fn another(&self) -> Self {
        Fed::over(self.store.clone(), self.clock.clone(), tempfile::tempdir().unwrap()).await
    }

    async fn over(store: Arc<dyn Store>, clock: ManualClock, folder: TempDir) -> Self {
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(3));
        let service = Service::open(store.clone(), &ring, Arc::new(clock.clone()), entropy).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        for task in 0..2 {
            let (service, mut stopped) = (service.clone(), stopped.clone());
            tokio::spawn(async move {
                let stopped = async move { drop(stopped.wait_for(|is_stopped| *is_stopped).await) };
                if task == 0 {
                    service.follow_changes(stopped).await;
                } else {
                    service.feed_streams(stopped).await;
                }
            });
        }
        Fed { service, store, clock, stop, folder }
    }

    async fn app(&self) -> OpenApp {
        let app = self.service.open_app(&"demo".parse().unwrap()).await.unwrap();
        OpenApp::clone(&app.unwrap())
    }

    async fn merge(&self, patch: Json) {
        let merged =
            self.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
        assert!(matches!(merged, Merged::Done(_)), "{merged:?}");
    }

    /// A stream that everybody may read.
    async fn stream(&self) -> RowStream {
        self.open(&ANYBODY, &json!(null), None).await
    }

    async fn open(&self, caller: &LoopBackCaller, condition: &Json, since: Option<&str>) -> RowStream {
        let condition = Condition::parse(&value_of_json(condition), &jeton_loopback::Profile::V2).unwrap();
        // A feed that is about to begin: tests do not wait for it before.
        loop {
            match self.service.loopback_stream(&self.app().await, caller, condition.clone(), since).await {
                Ok(stream) => return stream.unwrap(),
                Err(Error::Busy) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn create(&self, data: &Json) {
        let row = self.service.loopback_create(&self.app().await, &writer(), &value_of_json(data)).await;
        row.unwrap().unwrap();
    }

    async fn merge_row(&self, id: &str, data: &Json) {
        let row = self.service.loopback_merge(&self.app().await, &writer(), id, &value_of_json(data)).await;
        row.unwrap().unwrap();
    }

    async fn delete(&self, id: &str) {
        assert!(self.service.loopback_delete(&self.app().await, &writer(), id).await.unwrap());
    }

    async fn issue(&self, issue: Issue) -> (TokenId, String) {
        let issued = self.service.issue(&self.app().await, &EVERYTHING, issue).await.unwrap().unwrap();
        (issued.token.id, issued.secret.expose().to_owned())
    }

    async fn edit(&self, id: TokenId, edit: Edit) {
        self.service.update(&self.app().await, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
    }

    async fn revoke(&self, id: TokenId) {
        self.service.revoke(&self.app().await, &EVERYTHING, id, None).await.unwrap().unwrap();
    }

    /// Many rows at once, of user 1, with ids from a prefix.
    async fn import(&self, prefix: &str, count: usize) {
        let row = |number: usize| ImportRow {
            secret: secret(&format!("{prefix}-{number:05}-of-a-length-that-will-do")).into(),
            issue: identity().with(|token| token.spec.owner = jeton_core::Owner::Named("1".parse().unwrap())),
            created_at: None,
            expires_at: None,
            enabled: true,
        };
        let rows: Vec<ImportRow> = (0..count).map(row).collect();
        let app = self.app().await;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some = rows.by_ref().take(500).collect();
            self.service.import(&app, some, false, &Cause::CLI).await.unwrap();
        }
    }
}

/// A caller that was admitted by name.
fn writer() -> Writer {
    Writer { caller: ANYBODY, is_named: true, from: None }
}

/// What an event says: the change, and the id of the row.
fn describe(event: &RowEvent) -> String {
    let id = |row: &dyn Row| row.member("id").map(Value::to_text).unwrap_or_default();
    match &event.change {
        RowChange::Created(row) => format!("create {}", id(row)),
        RowChange::Updated(row) => format!("update {}", id(row)),
        RowChange::Removed(id) => format!("remove {id}"),
        RowChange::Purged => "purge".to_owned(),
    }
}

/// The next events, one by one, with the position behind each.
async fn next(stream: &mut RowStream, count: usize) -> Vec<(String, String)> {
    let mut events = Vec::new();
    while events.len() < count {
        match stream.next().await {
            Some(StreamItem::Events(some)) => {
                events.extend(some.iter().map(|event| (describe(event), event.position.to_string())));
            }
            item => panic!("after {events:?}: {item:?}"),
        }
    }
    events
}

/// Asserts what the next events are.
async fn assert_next(stream: &mut RowStream, expected: &[&str]) {
    let events = next(stream, expected.len()).await;
    assert_eq!(events.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), expected);
}

/// Asserts that the stream ends now, for this reason.
async fn ends(mut stream: RowStream, end: StreamEnd) {
    match stream.next().await {
        Some(StreamItem::End(why)) => assert_eq!(why, end),
        item => panic!("{item:?}"),
    }
    assert!(stream.next().await.is_none());
}

async fn every_change_arrives_in_order(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    fed.create(&json!({"id": "tok-1", "userId": 1})).await;
    assert_next(&mut stream, &["create tok-1"]).await;
    fed.merge_row("tok-1", &json!({"note": "x"})).await;
    assert_next(&mut stream, &["update tok-1"]).await;
    fed.delete("tok-1").await;
    assert_next(&mut stream, &["remove tok-1"]).await;

    // What happens elsewhere happens to rows too.
    let (id, token) = fed.issue(grant("read")).await;
    assert_next(&mut stream, &[&format!("create {token}")]).await;
    fed.edit(id, Edit { scopes: Some(global("write")), ..Edit::default() }).await;
    assert_next(&mut stream, &[&format!("update {token}")]).await;
    fed.edit(id, Edit { enabled: Some(false), ..Edit::default() }).await;
    assert_next(&mut stream, &[&format!("remove {token}")]).await;
    fed.edit(id, Edit { enabled: Some(true), ..Edit::default() }).await;
    assert_next(&mut stream, &[&format!("update {token}")]).await;
    fed.revoke(id).await;
    assert_next(&mut stream, &[&format!("remove {token}")]).await;
    assert_eq!(fed.service.stream_measures().events.get(), 8);
}

/// What LoopBack does not show is not streamed either: service credentials, what was switched off all along,
/// other apps.
async fn only_visible_changes_arrive(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    let service = grant("jeton:verify").with(|token| token.spec.kind = TokenKind::Service);
    let (id, _) = fed.issue(service).await;
    fed.edit(id, Edit { title: None, enabled: Some(false), ..Edit::default() }).await;
    fed.revoke(id).await;
    let key = "shop".parse().unwrap();
    fed.service.create_app(&key, "1".parse().unwrap(), &Cause::CLI).await.unwrap().unwrap();
    let shop = fed.service.open_app(&key).await.unwrap().unwrap();
    fed.service.issue(&shop, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    fed.create(&json!({"id": "tok-1"})).await;
    assert_next(&mut stream, &["create tok-1"]).await;

    fed.merge(json!({"reveal": "once"})).await;
    let (id, _) = fed.issue(grant("read")).await;
    assert_next(&mut stream, &[&format!("create ~{id}")]).await;
    fed.revoke(id).await;
    assert_next(&mut stream, &[&format!("remove ~{id}")]).await;
}

async fn a_condition_chooses_rows_that_are_there(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.open(&ANYBODY, &json!({"userId": 2}), None).await;
    fed.create(&json!({"id": "tok-1", "userId": 1})).await;
    fed.create(&json!({"id": "tok-2", "userId": 2})).await;
    assert_next(&mut stream, &["create tok-2"]).await;
    fed.merge_row("tok-1", &json!({"userId": 2})).await;
    assert_next(&mut stream, &["update tok-1"]).await;
    fed.delete("tok-1").await;
    assert_next(&mut stream, &["remove tok-1"]).await;
}

async fn a_stream_goes_on_where_another_was_lost(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    fed.import("a", 200).await;
    let events = next(&mut stream, 200).await;
    let expected: Vec<_> =
        (0..200).map(|number| format!("create a-{number:05}-of-a-length-that-will-do")).collect();
    assert_eq!(events.iter().map(|(text, _)| text).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());

    // While others read, and when none does any more: from the shared ring, or from the log.
    let mut again = fed.open(&ANYBODY, &json!(null), Some(&events[49].1)).await;
    assert_eq!(next(&mut again, 150).await, events[50..]);
    drop((stream, again));
    fed.create(&json!({"id": "tok-1"})).await;
    fed.create(&json!({"id": "tok-2"})).await;
    fed.delete("tok-1").await;
    let mut later = fed.open(&ANYBODY, &json!(null), Some(&events[198].1)).await;
    let rest = next(&mut later, 3).await;
    assert_eq!(rest[..1], events[199..]);
    // Nothing else is known about a row that is gone by now.
    let texts: Vec<_> = rest[1..].iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["create tok-2", "remove tok-1"]);
    fed.create(&json!({"id": "tok-3"})).await;
    assert_next(&mut later, &["create tok-3"]).await;
}

async fn a_gap_is_reported(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    fed.create(&json!({"id": "tok-1"})).await;
    fed.create(&json!({"id": "tok-2"})).await;
    let events = next(&mut stream, 2).await;
    let (epoch, number) = events[0].1.split_once('-').unwrap();
    let beyond = format!("{epoch}-999999");
    // Everything but the last entry.
    fed.clock.advance_millis(2 * DAY);
    let trimming = Retention { change_days: Some(1), ..Retention::default() };
    fed.service.keep_once(trimming).await.unwrap();
    let elsewhere = format!("00000000000000ff-{number}");
    for since in ["?", "7", &elsewhere, &beyond, &events[0].1] {
        let mut again = fed.open(&ANYBODY, &json!(null), Some(since)).await;
        let Some(StreamItem::Gap(position)) = again.next().await else {
            panic!("{since}: a gap comes first")
        };
        assert_eq!(position.to_string(), events[1].1, "{since}");
    }
    let mut again = fed.open(&ANYBODY, &json!(null), Some("?")).await;
    assert!(matches!(again.next().await, Some(StreamItem::Gap(_))));
    fed.create(&json!({"id": "tok-3"})).await;
    assert_next(&mut again, &["create tok-3"]).await;
    assert_next(&mut stream, &["create tok-3"]).await;
}

/// A stream ends with its caller's rights, and tells nothing that happened afterwards.
async fn a_caller_without_rights_gets_nothing_more(engine: Engine) {
    let fed = Fed::on(engine).await;
    let entry = |principal: &str| json!({"principalType": "ROLE", "principalId": principal, "permission": "ALLOW", "property": "*"});
    let acls = |principal: &str| json!({"loopback": {"acls": [entry(principal)]}});
    fed.merge(acls("$authenticated")).await;
    let mut number = 0;
    for loss in ["revoke", "delete", "disable", "expire", "narrow", "app"] {
        let lasting = Issue { lifetime: RequestedLifetime::Asked(Lifetime::Millis(DAY)), ..identity() };
        let (id, token) = fed.issue(lasting).await;
        let presented = Secret::parse(&token).unwrap();
        let caller =
            match fed.service.loopback_caller(&fed.app().await, Some(&presented), None).await.unwrap() {
                jeton_service::Presentation::Caller(caller) => caller,
                other => panic!("{other:?}"),
            };
        let mut stream = fed.open(&caller, &json!(null), None).await;
        number += 1;
        fed.create(&json!({"id": format!("tok-{number}")})).await;
        assert_next(&mut stream, &[&format!("create tok-{number}")]).await;
        match loss {
            "revoke" => fed.revoke(id).await,
            "delete" => fed.delete(&token).await,
            "disable" => fed.edit(id, Edit { enabled: Some(false), ..Edit::default() }).await,
            "expire" => fed.clock.advance_millis(DAY),
            "narrow" => fed.merge(json!({"loopback": {"acls": []}})).await,
            _ => assert!(fed.service.delete_app(&"demo".parse().unwrap(), &Cause::CLI).await.unwrap()),
        }
        if loss != "app" {
            fed.create(&json!({"id": format!("late-{number}")})).await;
        }
        ends(stream, StreamEnd::Denied).await;
        assert_eq!(fed.service.stream_measures().denied.get(), number);
        if loss == "narrow" {
            fed.merge(acls("$authenticated")).await;
        }
    }
}

async fn there_are_only_so_many(engine: Engine) {
    let fed = Fed::on(engine).await;
    drop(fed.stream().await);
    let service = fed.service.clone().with_limits(Limits { streams: 2, ..Limits::default() });
    let app = fed.app().await;
    let open = || service.loopback_stream(&app, &ANYBODY, Condition::default(), None);
    let (one, two) = (open().await.unwrap().unwrap(), open().await.unwrap().unwrap());
    assert!(open().await.unwrap().is_none());
    let measures = service.stream_measures();
    assert_eq!((measures.open(), measures.opened.get(), measures.refused.get()), (2, 3, 1));
    drop(one);
    let three = open().await.unwrap().unwrap();
    assert_eq!(measures.open(), 2);
    drop((two, three));
    assert_eq!(measures.open(), 0);
}

async fn streams_end_with_the_service(engine: Engine) {
    let fed = Fed::on(engine).await;
    let stream = fed.stream().await;
    fed.stop.send_replace(true);
    ends(stream, StreamEnd::Stopping).await;
    let opened = fed.service.loopback_stream(&fed.app().await, &ANYBODY, Condition::default(), None).await;
    assert!(matches!(opened, Err(Error::Busy)));
}

async fn a_restore_ends_streams_and_makes_positions_void(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    fed.create(&json!({"id": "tok-1"})).await;
    let position = next(&mut stream, 1).await.remove(0).1;
    let backup = fed.folder.path().join("backup.db");
    back_up(&fed.service, &backup).await;
    fed.service.restore(&backup, true, &Cause::CLI, &Progress::default()).await.unwrap();
    ends(stream, StreamEnd::Replaced).await;
    let mut again = fed.open(&ANYBODY, &json!(null), Some(&position)).await;
    assert!(matches!(again.next().await, Some(StreamItem::Gap(_))));
    fed.merge_row("tok-1", &json!({"note": "x"})).await;
    assert_next(&mut again, &["update tok-1"]).await;
}

async fn a_purge_is_one_event(engine: Engine) {
    let fed = Fed::on(engine).await;
    fed.create(&json!({"id": "tok-1", "ttl": 1})).await;
    let mut stream = fed.stream().await;
    fed.clock.advance_millis(100 * DAY);
    fed.service.keep_once(Retention::default()).await.unwrap();
    assert_next(&mut stream, &["purge"]).await;
}

/// Changes by other processes arrive like those by this one.
async fn changes_by_other_processes_arrive(engine: Engine) {
    let fed = Fed::on(engine).await;
    let mut stream = fed.stream().await;
    let (id, token) = fed.issue(grant("read")).await;
    let events = next(&mut stream, 1).await;
    assert_eq!(events[0].0, format!("create {token}"));
    // Past the service and what it remembers.
    let app = fed.app().await;
    assert!(
        fed.store
            .write(RevokeToken { app_id: app.id, id, at: fed.clock.now(), by: Cause::CLI })
            .await
            .unwrap()
    );
    assert_next(&mut stream, &[&format!("remove {token}")]).await;
    // A day later its id cannot be opened any more.
    let position = events[0].1.clone();
    fed.clock.advance_millis(DAY + 1);
    fed.service.keep_once(Retention::default()).await.unwrap();
    let another = fed.another().await;
    let mut later = another.open(&ANYBODY, &json!(null), Some(&position)).await;
    assert_next(&mut later, &[&format!("remove ~{id}")]).await;
}

macro_rules! on_both_engines {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            use super::Engine;

            #[tokio::test]
            async fn on_sqlite() {
                super::$scenario(Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn on_postgresql() {
                if !jeton_testkit::skips("PostgreSQL") {
                    super::$scenario(Engine::Postgres).await;
                }
            }
        }
    )+};
}
on_both_engines!(
    every_change_arrives_in_order,
    only_visible_changes_arrive,
    a_condition_chooses_rows_that_are_there,
    a_stream_goes_on_where_another_was_lost,
    a_gap_is_reported,
    a_caller_without_rights_gets_nothing_more,
    there_are_only_so_many,
    streams_end_with_the_service,
    a_restore_ends_streams_and_makes_positions_void,
    a_purge_is_one_event,
    changes_by_other_processes_arrive,
);
