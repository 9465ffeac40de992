//! What is known of requests from the outside: metrics and ids.

use crate::answer::Answer;
use crate::app::{TestApp, grant, user};
use crate::server::socket::Serving;
use axum::body::Body;
use axum::http::Request;
use jeton_http::{Observer, Phase, RequestLog, ServerLimits, Setup};
use std::sync::Arc;
use tower_service::Service as _;

async fn public(app: &TestApp, setup: &Setup, request: Request<Body>) -> Answer {
    let response = jeton_http::public(app.service.clone(), setup.clone()).call(request).await;
    Answer::read(response.unwrap_or_else(|never| match never {})).await
}

async fn admin(app: &TestApp, setup: &Setup, uri: &str) -> Answer {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let response = jeton_http::admin(app.service.clone(), setup.clone()).call(request).await;
    Answer::read(response.unwrap_or_else(|never| match never {})).await
}

fn get(uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// The value of a metric with its labels, as they are written.
fn value(metrics: &str, of: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(of)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {of} in {metrics}")).parse().unwrap()
}

#[tokio::test]
async fn requests_and_verdicts_are_counted() {
    let (app, setup) = (TestApp::new().await, TestApp::setup());
    let token = app.issue(grant(user("7"), "read")).await;
    let bearer = format!("Bearer {}", token.secret);
    let auth = |uri| get(uri, &[("authorization", bearer.as_str())]);
    for uri in ["/auth/demo", "/auth/demo?permission=read", "/auth/demo?permission=write", "/auth/shop"] {
        public(&app, &setup, auth(uri)).await;
    }
    public(&app, &setup, get("/nowhere", &[])).await;
    app.store.fail_always();
    assert_eq!(public(&app, &setup, auth("/auth/demo")).await.status.as_u16(), 503);
    app.store.recover();

    let answer = admin(&app, &setup, "/metrics").await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    let metrics = answer.text().to_owned();
    for (of, expected) in [
        (r#"jeton_http_requests_total{route="/auth/{app}",class="2xx"}"#, 2.0),
        (r#"jeton_http_requests_total{route="/auth/{app}",class="4xx"}"#, 2.0),
        (r#"jeton_http_requests_total{route="/auth/{app}",class="5xx"}"#, 1.0),
        (r#"jeton_http_requests_total{route="other",class="4xx"}"#, 1.0),
        (r#"jeton_http_request_duration_seconds_count{route="/auth/{app}"}"#, 5.0),
        (r#"jeton_http_request_duration_seconds_bucket{route="/auth/{app}",le="+Inf"}"#, 5.0),
        (r#"jeton_verdicts_total{outcome="allowed"}"#, 2.0),
        (r#"jeton_verdicts_total{outcome="refused"}"#, 1.0),
        (r#"jeton_verdicts_total{outcome="unknown"}"#, 1.0),
        (r#"jeton_verdicts_total{outcome="unavailable"}"#, 1.0),
        ("jeton_ready", 1.0),
        ("process_start_time_seconds", setup.started_at.as_millis() as f64 / 1e3),
    ] {
        assert_eq!(value(&metrics, of), expected, "{of}");
    }
    for bound in ["0.00005", "0.00025", "0.0025", "1", "10"] {
        let bucket = format!(r#"_bucket{{route="/auth/{{app}}",le="{bound}"}}"#);
        assert!(metrics.contains(&bucket), "{bucket} in {metrics}");
    }
    assert!(!metrics.contains(&token.secret) && !metrics.contains("nowhere"), "{metrics}");
}

#[tokio::test]
async fn what_takes_the_fast_path_is_counted_and_named_like_all_else() {
    let app = TestApp::following().await;
    let setup = Setup { observer: Arc::new(Observer::new(7, RequestLog::Failures)), ..TestApp::setup() };
    let public = jeton_http::public(app.service.clone(), setup.clone());
    let server = Serving::of(public, ServerLimits::default(), None).await;
    let mut connection = server.connect().await;
    let mut ids = Vec::new();
    for (brought, secret, log) in [
        ("", app.admin.as_str(), RequestLog::None),
        ("abc-1", "nobody-knows-this-one", RequestLog::None),
        ("", "nobody-knows-this-one", RequestLog::All),
    ] {
        setup.observer.set_log(log);
        let headers = format!("Host: test\r\nAuthorization: Bearer {secret}\r\nX-Request-Id: {brought}\r\n");
        connection.send(format!("GET /auth/demo HTTP/1.1\r\n{headers}\r\n")).await;
        ids.push(connection.answer(true).await.header("x-request-id").map(str::to_owned));
    }
    setup.observer.set_log(RequestLog::Failures);
    app.store.fail_always();
    let headers = format!("Host: test\r\nAuthorization: Bearer {}\r\n", app.admin);
    connection.send(format!("GET /auth/other HTTP/1.1\r\n{headers}\r\n")).await;
    let failure = connection.answer(true).await;
    ids.push(failure.header("x-request-id").map(str::to_owned));
    app.store.recover();
    let ids: Vec<Option<&str>> = ids.iter().map(Option::as_deref).collect();
    assert_eq!(ids, [None, Some("abc-1"), Some("00000007-1"), Some("00000007-2")]);

    let metrics = admin(&app, &setup, "/metrics").await.text().to_owned();
    for (class, count) in [("2xx", 0.0), ("4xx", 3.0), ("5xx", 1.0)] {
        let name = format!(r#"jeton_http_requests_total{{route="/auth/{{app}}",class="{class}"}}"#);
        assert_eq!(value(&metrics, &name), count, "{class}");
    }
    let name = r#"jeton_http_request_duration_seconds_count{route="/auth/{app}"}"#;
    assert_eq!(value(&metrics, name), 4.0);
}

/// Every name that is reported is a documented one; that the documents match the code is a test of its own.
#[tokio::test]
async fn nothing_is_reported_that_is_not_documented() {
    let (app, setup) = (TestApp::new().await, TestApp::setup());
    public(&app, &setup, get("/readyz", &[])).await;
    let metrics = admin(&app, &setup, "/metrics").await.text().to_owned();
    let documents = include_str!("../../../../docs/metrics.md");
    let names: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.len() > 5, "{metrics}");
    for line in names {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(documents.contains(&format!("| `{name}` | {kind} |")), "{line}");
    }
}

#[tokio::test]
async fn an_id_that_was_brought_goes_back_and_no_other() {
    let (app, setup) = (TestApp::new().await, TestApp::setup());
    for (brought, expected) in [
        ("abc-1", Some("abc-1")),
        ("0190c1b2-7a3e-7c4d-8e5f-001122334455", Some("0190c1b2-7a3e-7c4d-8e5f-001122334455")),
        ("with space", None),
        ("", None),
        (app.admin.as_str(), None),
    ] {
        for uri in ["/auth/demo", "/AccessToken/demo", "/nowhere", "/healthz"] {
            let answer = public(&app, &setup, get(uri, &[("x-request-id", brought)])).await;
            assert_eq!(answer.header("x-request-id"), expected, "{uri} {brought}");
        }
    }
    let answer = public(&app, &setup, get("/auth/demo", &[])).await;
    assert_eq!(answer.header("x-request-id"), None, "no log line mentions it");
}

/// A client that reports a failure can name the log line with its cause.
#[tokio::test]
async fn an_answer_about_which_there_is_a_line_has_an_id() {
    let app = TestApp::new().await;
    for (log, of_success, of_failure) in
        [(RequestLog::None, false, false), (RequestLog::Failures, false, true), (RequestLog::All, true, true)]
    {
        let setup = Setup { observer: Arc::new(Observer::new(7, log)), ..TestApp::setup() };
        let success = public(&app, &setup, get("/readyz", &[])).await;
        assert_eq!(success.header("x-request-id").is_some(), of_success, "{log:?}");
        app.store.fail_always();
        let failure = public(&app, &setup, get("/readyz", &[])).await;
        app.store.recover();
        assert_eq!(failure.header("x-request-id").is_some(), of_failure, "{log:?}");
        let changed = RequestLog::All;
        setup.observer.set_log(changed);
        let success = public(&app, &setup, get("/readyz", &[])).await;
        assert!(success.header("x-request-id").is_some_and(|id| id.starts_with("00000007-")), "{success:?}");
    }
}

/// An outage under load would fill the disk with lines that all say the same.
#[tokio::test]
async fn failures_do_not_flood_the_log() {
    let app = TestApp::new().await;
    let setup = Setup { observer: Arc::new(Observer::new(7, RequestLog::Failures)), ..TestApp::setup() };
    app.store.fail_always();
    let mut lines = 0;
    for _ in 0..60 {
        let failure = public(&app, &setup, get("/readyz", &[])).await;
        assert_eq!(failure.status.as_u16(), 503);
        lines += usize::from(failure.header("x-request-id").is_some());
    }
    // A loaded machine may take more than one interval of ten seconds.
    assert!((50..60).contains(&lines), "{lines}");
}

#[tokio::test]
async fn a_server_that_starts_or_drains_is_alive_and_not_ready() {
    let (app, setup) = (TestApp::new().await, TestApp::setup());
    for (phase, status, text) in
        [(Phase::Starting, 503, "starting"), (Phase::Serving, 200, "ok"), (Phase::Draining, 503, "draining")]
    {
        setup.readiness.enter(phase);
        for answer in [public(&app, &setup, get("/readyz", &[])).await, admin(&app, &setup, "/readyz").await]
        {
            assert_eq!(answer.status.as_u16(), status, "{phase:?}");
            assert_eq!(answer.json()["status"], text);
        }
        assert_eq!(public(&app, &setup, get("/healthz", &[])).await.status.as_u16(), 200);
    }
}
