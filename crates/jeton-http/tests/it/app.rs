//! A service over a new database, with a clock that stands still and randomness that repeats.

use crate::answer::Answer;
use crate::failing::FailingStore;
use crate::openapi::{self, assert_described};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jeton_core::{
    Authority, Cause, Clock, Lifetime, ManualClock, Owner, Permission, Scope, Scopes, Timestamp, Token,
    TokenId, TokenKind, TokenSpec,
};
use jeton_http::{Setup, Site};
use jeton_service::{
    CacheLimits, Issue, KeyRing, Limits, Listed, Merged, OpenApp, Rate, RequestedLifetime, Service,
    ShownSecret,
};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
pub(crate) use jeton_testkit::With;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tower_service::Service as _;

/// 2026-01-02T03:04:05.678Z: when every test begins.
const START_MILLIS: i64 = 1_767_323_045_678;
/// What the whole service may do: tests make tokens of every kind with it.
pub(crate) const EVERYTHING: Authority = Authority::Everything(Cause::CLI);
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The app `demo`, what serves it, and whatever else a test adds.
pub(crate) struct TestApp {
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<FailingStore>,
    /// The client id and secret of `demo`.
    pub(crate) client: (String, String),
    /// The admin token of `demo`, of user 1. Its number is 1.
    pub(crate) admin: String,
    /// The token of its first operator, whose number is 1.
    pub(crate) operator: String,
    /// Whether requests say in `X-Forwarded-For` whence they come; otherwise that is not known.
    pub(crate) is_behind_proxy: bool,
    folder: TempDir,
}

/// A token that a test has issued.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) id: i64,
    pub(crate) secret: String,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        TestApp::with_cache(CacheLimits::default()).await
    }

    async fn with_cache(limits: CacheLimits) -> Self {
        openapi::read();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(START_MILLIS).unwrap());
        let entropy = Arc::new(SeededEntropy::new(2));
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let sqlite = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
        let key = "demo".parse().unwrap();
        let admin_user = "1".parse().unwrap();
        let initial = Service::initialise(&*sqlite, &ring, &clock, &*entropy, &key, admin_user).await;
        let initial = initial.unwrap().unwrap();
        let (made, operator) = (initial.app, initial.operator_token.expose().to_owned());
        let admin = made.admin_token.expose().to_owned();
        let client = (made.client_id, made.client_secret.expose().to_owned());
        let store = Arc::new(FailingStore::new(sqlite));
        let (opened, clock_here) = (store.clone(), Arc::new(clock.clone()));
        let service = Service::open_with(opened, &ring, clock_here, entropy, limits).await.unwrap();
        // Tests of throttling set this themselves.
        let often = Rate::per_minute(1_000_000);
        let limits = Limits {
            failures: often,
            anonymous_writes: often,
            anonymous_writes_of_app: often,
            ..*service.limits()
        };
        let service = service.with_limits(limits);
        TestApp { service, clock, store, client, admin, operator, is_behind_proxy: false, folder }
    }

    /// The same, answering from memory where it can.
    pub(crate) async fn following() -> Self {
        TestApp::following_with(CacheLimits::default()).await
    }

    pub(crate) async fn following_with(limits: CacheLimits) -> Self {
        let app = TestApp::with_cache(limits).await;
        let service = app.service.clone();
        // Ends with the test's runtime.
        drop(tokio::spawn(async move { service.follow_changes(std::future::pending()).await }));
        while app.service.cache_stats().polls == 0 {
            tokio::task::yield_now().await;
        }
        app
    }

    /// The same behind a proxy, whose word on the addresses of clients is taken.
    pub(crate) fn behind_proxy(mut self) -> Self {
        self.is_behind_proxy = true;
        self
    }

    /// Where the data lies.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// What serves requests on the admin address.
    pub(crate) fn admin_http(&self) -> Site {
        let setup = Setup { is_behind_proxy: self.is_behind_proxy, ..TestApp::setup() };
        jeton_http::admin(self.service.clone(), setup)
    }

    /// What serves the requests.
    pub(crate) fn http(&self) -> Site {
        let setup = Setup { is_behind_proxy: self.is_behind_proxy, ..TestApp::setup() };
        jeton_http::public(self.service.clone(), setup)
    }

    /// With what they are served.
    pub(crate) fn setup() -> Setup {
        Setup::new("http://jeton.test".parse().unwrap())
    }

    /// The client credentials of `demo` as a header says them.
    pub(crate) fn basic_value(&self) -> String {
        let (id, secret) = &self.client;
        format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
    }

    /// Makes another app and answers its admin token.
    pub(crate) async fn create_app(&self, key: &str) -> String {
        let made = self.service.create_app(&key.parse().unwrap(), "1".parse().unwrap(), &Cause::CLI).await;
        made.unwrap().unwrap().1.admin_token.expose().to_owned()
    }

    /// Changes the settings of `demo`.
    pub(crate) async fn merge(&self, patch: Value) {
        let merged =
            self.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
        assert!(matches!(merged, Merged::Done(_)), "{merged:?}");
    }

    pub(crate) async fn open(&self, key: &str) -> OpenApp {
        let app = self.service.open_app(&key.parse().unwrap()).await.unwrap();
        OpenApp::clone(&app.unwrap())
    }

    /// Issues a token of `demo`.
    pub(crate) async fn issue(&self, issue: Issue) -> Holder {
        self.issue_in("demo", issue).await
    }

    pub(crate) async fn issue_in(&self, key: &str, issue: Issue) -> Holder {
        let issued = self.service.issue(&self.open(key).await, &EVERYTHING, issue).await.unwrap().unwrap();
        Holder { id: issued.token.id.get(), secret: issued.secret.expose().to_owned() }
    }

    /// A token of `demo` as it is stored; `None` if there is none, or it was revoked.
    pub(crate) async fn token(&self, id: i64) -> Option<Token> {
        Some(self.listed(id).await?.token)
    }

    /// The secret of a token of `demo`, if it can be shown again.
    pub(crate) async fn kept_secret(&self, id: i64) -> Option<String> {
        match self.listed(id).await?.secret {
            ShownSecret::Clear(secret) => Some(secret.expose().to_owned()),
            ShownSecret::Masked(masked) => panic!("masked to everything: {masked}"),
            ShownSecret::Gone => None,
        }
    }

    async fn listed(&self, id: i64) -> Option<Listed> {
        let id = TokenId::new(id).unwrap();
        self.service.show(&self.open("demo").await, &EVERYTHING, id).await.unwrap()
    }

    /// How many tokens `demo` has, service credentials included.
    pub(crate) async fn count(&self) -> u64 {
        let request = jeton_service::ListRequest {
            user_id: None,
            unused_since: None,
            order: jeton_service::Order::NewestFirst,
            after: None,
            skip: 0,
            take: Some(0),
            is_counted: true,
        };
        self.service
            .list(&self.open("demo").await, &EVERYTHING, request)
            .await
            .unwrap()
            .unwrap()
            .total
            .unwrap()
    }

    /// The instant `millis` after now.
    pub(crate) fn after(&self, millis: i64) -> Timestamp {
        self.clock.now().saturating_add_millis(millis)
    }

    pub(crate) fn get(&self, uri: &str) -> Ask<'_> {
        self.ask("GET", uri)
    }

    pub(crate) fn post(&self, uri: &str) -> Ask<'_> {
        self.ask("POST", uri)
    }

    pub(crate) fn put(&self, uri: &str) -> Ask<'_> {
        self.ask("PUT", uri)
    }

    pub(crate) fn delete(&self, uri: &str) -> Ask<'_> {
        self.ask("DELETE", uri)
    }

    /// A request with any method.
    pub(crate) fn ask(&self, method: &str, uri: &str) -> Ask<'_> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        Ask { app: self, request }
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'a> {
    app: &'a TestApp,
    request: Request<Body>,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// The same before all other headers.
    pub(crate) fn header_first(mut self, name: &str, value: &str) -> Self {
        let others = std::mem::take(self.request.headers_mut());
        let mut ask = self.header(name, value);
        for (name, value) in &others {
            ask.request.headers_mut().append(name, value.clone());
        }
        ask
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header("authorization", format!("Bearer {secret}"))
    }

    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{id}:{secret}"));
        self.header("authorization", format!("Basic {encoded}"))
    }

    /// A body as it is, under this content type.
    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        *self.request.body_mut() = Body::from(body.into());
        self.header("content-type", content_type)
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) async fn send(self) -> Answer {
        let on_admin = ["/admin", "/docs", "/openapi"];
        let is_admin = on_admin.iter().any(|prefix| self.request.uri().path().starts_with(prefix));
        let site = if is_admin { self.app.admin_http() } else { self.app.http() };
        self.answer_of(site).await
    }

    /// The status and the headers of an answer that does not end.
    pub(crate) async fn head(self) -> StatusCode {
        let response = self.app.http().call(self.request).await;
        response.unwrap_or_else(|never| match never {}).status()
    }

    /// The answer of a site. It is one that the descriptions of the APIs allow.
    async fn answer_of(self, mut site: Site) -> Answer {
        let (method, path) = (self.request.method().to_string(), self.request.uri().path().to_owned());
        let answer = Answer::read(site.call(self.request).await.unwrap_or_else(|never| match never {})).await;
        assert_described(&method, &path, &answer);
        answer
    }

    /// The answer of a server that is set up like this.
    pub(crate) async fn send_to(self, setup: &Setup) -> Answer {
        let site = jeton_http::public(self.app.service.clone(), setup.clone());
        self.answer_of(site).await
    }

    /// The status alone.
    pub(crate) async fn status(self) -> u16 {
        self.send().await.status.as_u16()
    }
}

/// A token of this kind with these global permissions, that never expires.
fn plain(kind: TokenKind, owner: Owner, permissions: &str) -> Issue {
    Issue {
        lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
        spec: TokenSpec::new(kind, owner, Scopes::from_global(names(permissions)).unwrap()),
    }
}

pub(crate) fn grant(owner: Owner, permissions: &str) -> Issue {
    plain(TokenKind::Grant, owner, permissions)
}

pub(crate) fn identity(owner: Owner) -> Issue {
    plain(TokenKind::Identity, owner, "")
}

pub(crate) fn service(owner: Owner, permissions: &str) -> Issue {
    plain(TokenKind::Service, owner, permissions)
}

/// Grants with scopes for single resources.
pub(crate) fn scoped(owner: Owner, scopes: Vec<Scope>) -> Issue {
    grant(owner, "").with(|token| token.spec.scopes = Scopes::new(scopes).unwrap())
}

/// An owner that an issuer names.
pub(crate) fn user(id: &str) -> Owner {
    Owner::Named(id.parse().unwrap())
}

/// A stand-in owner.
pub(crate) fn stand_in(id: &str) -> Owner {
    Owner::StandIn(id.parse().unwrap())
}

/// Names as tokens may hold them, also those that are granted no more.
pub(crate) fn names(list: &str) -> Vec<Permission> {
    let names = list.split(',').filter(|name| !name.is_empty());
    names.map(|name| Permission::held(name).unwrap()).collect()
}

pub(crate) fn on_ids(permissions: &str, ids: &[&str]) -> Scope {
    Scope { permissions: names(permissions), ids: owned(ids), ..Scope::default() }
}

pub(crate) fn on_tags(permissions: &str, tags: &[&str]) -> Scope {
    Scope { permissions: names(permissions), tags: owned(tags), ..Scope::default() }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The same token, for so long.
pub(crate) fn lasting(millis: i64, issue: Issue) -> Issue {
    Issue { lifetime: RequestedLifetime::Asked(Lifetime::Millis(millis)), ..issue }
}

/// The same token with a title.
pub(crate) fn titled(title: &str, issue: Issue) -> Issue {
    issue.with(|token| token.spec.title = Some(jeton_core::Label::new(title.to_owned()).unwrap()))
}
