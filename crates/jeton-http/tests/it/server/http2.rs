//! HTTP/2, chosen by ALPN: the same answers as over HTTP/1.1, side by side.

use super::socket::{Connection, Raw, Serving};
use super::tls::{Files, connect_as};
use crate::app::{TestApp, grant, user};
use crate::appkey::list_pages::fill;
use crate::loopback::{open_to_all, streams::fed};
use axum::body::Bytes;
use axum::http::{Request, Response};
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use jeton_http::{ServerLimits, Site};
use rustls::RootCertStore;
use std::sync::Arc;

/// A server over TLS.
struct Secured {
    server: Serving,
    roots: RootCertStore,
    _files: Files,
}

impl Secured {
    async fn start(site: Site, limits: ServerLimits) -> Self {
        let (files, roots) = Files::new();
        let tls = Arc::new(files.load().unwrap());
        Secured { server: Serving::of(site, limits, Some(tls)).await, roots, _files: files }
    }

    async fn join(&self) -> SendRequest<Bytes> {
        self.join_as(&Builder::new()).await
    }

    async fn join_as(&self, builder: &Builder) -> SendRequest<Bytes> {
        let address = self.server.address;
        let io = connect_as(address, &self.roots, rustls::DEFAULT_VERSIONS, &["h2"]).await.unwrap();
        let (requests, driver) = builder.handshake(io).await.unwrap();
        // Ends with the connection.
        drop(tokio::spawn(driver));
        requests
    }
}

/// A request in both forms.
#[derive(Clone)]
struct Question {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<&'static str>,
}

fn question(method: &'static str, target: &str) -> Question {
    Question { method, target: target.to_owned(), headers: Vec::new(), body: None }
}

impl Question {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn of(self, secret: &str) -> Self {
        self.with("authorization", format!("Bearer {secret}"))
    }

    fn sending(self, body: &'static str) -> Self {
        let question = self.with("content-type", "application/json");
        Question { body: Some(body), ..question }.with("content-length", body.len().to_string())
    }

    fn text(&self) -> String {
        let Question { method, target, headers, body } = self;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n{}", body.unwrap_or_default())
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("https://test{}", self.target))
            .body(())
            .unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    }

    async fn send(&self, requests: &SendRequest<Bytes>) -> (ResponseFuture, SendStream<Bytes>) {
        let mut ready = requests.clone().ready().await.unwrap();
        let (answer, mut body) = ready.send_request(self.request(), self.body.is_none()).unwrap();
        if let Some(text) = self.body {
            body.send_data(Bytes::from_static(text.as_bytes()), true).unwrap();
        }
        (answer, body)
    }

    /// The answer over HTTP/2, in the shape of one over HTTP/1.1.
    async fn over_http_2(&self, requests: &SendRequest<Bytes>) -> Raw {
        let (answer, _body) = self.send(requests).await;
        let (parts, body) = answer.await.unwrap().into_parts();
        let mut head = vec![format!("HTTP/1.1 {}", parts.status)];
        let lines = parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        head.extend(lines);
        let (body, is_whole) = read(body).await;
        Raw { head, body, is_whole }
    }
}

/// The body of an answer, and whether it came to its end.
async fn read(mut body: RecvStream) -> (String, bool) {
    let mut bytes = Vec::new();
    let mut is_whole = true;
    while let Some(part) = body.data().await {
        match part {
            Ok(part) => {
                body.flow_control().release_capacity(part.len()).unwrap();
                bytes.extend(part);
            }
            Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    (String::from_utf8(bytes).unwrap(), is_whole)
}

/// What both protocols say: without the date, the framing, and what concerns the connection.
fn said(mut raw: Raw) -> Raw {
    let status = raw.head.remove(0);
    let names = ["date:", "connection:", "keep-alive:", "transfer-encoding:"];
    raw.head.retain(|line| !names.iter().any(|name| line.starts_with(name)));
    raw.head.sort();
    raw.head.insert(0, status);
    raw
}

/// Both answers to each question are the same.
async fn compare(plain: &Serving, secured: &Secured, questions: &[Question]) {
    let requests = secured.join().await;
    for question in questions {
        let mut connection: Connection = plain.connect().await;
        connection.send(question.text()).await;
        let one = connection.answer(question.method != "HEAD").await;
        let two = question.over_http_2(&requests).await;
        assert_eq!(said(two), said(one), "{}", question.text());
    }
}

#[tokio::test]
async fn every_answer_is_the_one_of_http_1() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    fill(&app, 300).await;
    let secret = app.issue(grant(user("7"), "read,write")).await.secret;
    let admin = app.admin.clone();
    let plain = Serving::start(&app).await;
    let secured = Secured::start(app.http(), ServerLimits::default()).await;
    let mut questions = Vec::new();
    for target in [
        "/auth/demo",
        "/auth/demo?permission=read",
        "/auth/other",
        "/AccessToken/demo",
        "/AccessToken/demo?take=2",
        "/AccessToken/demo?nonsense=1",
        "/AccessToken/other",
        "/v1/demo/access_tokens",
        "/api/accessTokens",
        "/api/accessTokens/count",
        "/api/accessTokens?filter=%7B%22limit%22%3A2%7D",
        "/verify/demo",
        "/.well-known/oauth-authorization-server",
        "/oauth2/introspect",
        "/healthz",
        "/readyz",
        "/nowhere",
        "/",
        "//x",
        "/a/../b",
    ] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let plain = question(method, target);
            questions.push(plain.clone().of(&admin));
            questions.push(plain.clone().of(&secret).with("x-request-id", "abc"));
            questions.push(plain.clone().with("origin", "https://elsewhere.example"));
            questions.push(plain);
        }
    }
    questions.extend([
        question("POST", "/AccessToken/demo").of(&admin).sending("{"),
        question("POST", "/AccessToken/demo").of(&admin).sending(r#"{"ttl":"x"}"#),
        question("POST", "/AccessToken/demo").sending(r#"{"title":"a"}"#),
        question("PUT", "/AccessToken/demo/1000000").of(&admin).sending(r#"{"title":"a"}"#),
        question("DELETE", "/AccessToken/demo/1000000").of(&admin),
        question("POST", "/verify/demo").of(&admin).sending(r#"{"access_token":"x"}"#),
        question("POST", "/auth/demo").of(&secret).sending("hello"),
        question("put", "/AccessToken/demo/1").of(&admin).sending("[]"),
        question("PATCH", "/AccessToken/demo").of(&admin),
        question("GET", "/healthz").with("expect", "100-continue"),
        question("GET", "/healthz").with("x", "x".repeat(17_000)),
        question("GET", "/auth/demo").of(&secret).with("cookie", "c".repeat(40_000)),
    ]);
    compare(&plain, &secured, &questions).await;
    let many = (0..100).fold(question("GET", "/nowhere"), |question, _| question.with("x", "1"));
    let answer = many.over_http_2(&secured.join().await).await;
    assert_eq!(answer.status(), 431, "{answer:?}");
    app.store.fail_always();
    compare(&plain, &secured, &questions[..40]).await;
}

#[tokio::test]
async fn the_admin_address_answers_the_same() {
    let app = TestApp::new().await;
    let plain = Serving::of(app.admin_http(), ServerLimits::default(), None).await;
    let secured = Secured::start(app.admin_http(), ServerLimits::default()).await;
    let questions: Vec<Question> = [
        "/admin/v1/apps",
        "/admin/v1/apps/demo/tokens",
        "/admin/v1/nowhere",
        "/console/",
        "/console/sign-in",
        "/openapi/appkey.json",
        "/docs",
        "/healthz",
        "/nowhere",
    ]
    .into_iter()
    .flat_map(|target| {
        let question = question("GET", target);
        [question.clone().of(&app.operator), question.clone(), Question { method: "HEAD", ..question }]
    })
    .collect();
    compare(&plain, &secured, &questions).await;
}

/// Browsers send cookies one by one over HTTP/2.
#[tokio::test]
async fn cookies_in_parts_are_one() {
    let app = TestApp::new().await;
    app.merge(serde_json::json!({"forward_auth": {"credentials": ["cookie:sid"]}})).await;
    let secret = app.issue(grant(user("7"), "read")).await.secret;
    let secured = Secured::start(app.http(), ServerLimits::default()).await;
    let requests = secured.join().await;
    let crumbs = |count: usize| {
        (0..count).fold(question("GET", "/auth/demo"), |question, _| question.with("cookie", "a=b"))
    };
    let asked = crumbs(150).with("cookie", format!("sid={secret}"));
    assert_eq!(asked.over_http_2(&requests).await.status(), 200, "150 cookies are one header");
    assert_eq!(crumbs(2).over_http_2(&requests).await.status(), 401);
}

#[tokio::test]
async fn a_hundred_questions_at_a_time_are_answered() {
    let app = TestApp::following().await;
    let secret = app.issue(grant(user("7"), "read")).await.secret;
    let secured = Secured::start(app.http(), ServerLimits::default()).await;
    let requests = secured.join().await;
    for _ in 0..20 {
        let mut answers = Vec::new();
        for number in 0..100 {
            let asked = question("GET", "/auth/demo");
            let asked = if number % 2 == 0 { asked.of(&secret) } else { asked };
            answers.push((number, asked.send(&requests).await.0));
        }
        for (number, answer) in answers {
            assert_eq!(answer.await.unwrap().status(), if number % 2 == 0 { 200 } else { 401 });
        }
    }
}

#[tokio::test]
async fn a_long_list_and_a_change_stream_are_served_beside_each_other() {
    let app = fed().await;
    fill(&app, 4_000).await;
    let secured = Secured::start(app.http(), ServerLimits::default()).await;
    let requests = secured.join().await;
    let follow = question("GET", "/api/accessTokens/change-stream").with("accept", "text/event-stream");
    let stream: Response<RecvStream> = follow.send(&requests).await.0.await.unwrap();
    assert_eq!(stream.headers().get("connection"), None);
    let mut stream = stream.into_body();
    assert_eq!(stream.data().await.unwrap().unwrap(), ":ok\n\n");
    let list = question("GET", "/AccessToken/demo?take=10000").of(&app.admin);
    let (one, two) = tokio::join!(list.over_http_2(&requests), list.over_http_2(&requests));
    assert!(one.is_whole && one.body.len() > 200_000 && one.body == two.body, "{}", one.body.len());
    let create = question("POST", "/api/accessTokens").sending(r#"{"ttl":77}"#);
    assert_eq!(create.over_http_2(&requests).await.status(), 200);
    let mut events = String::new();
    while !events.contains("77") {
        let part = stream.data().await.unwrap().unwrap();
        events.push_str(std::str::from_utf8(&part).unwrap());
    }
}

/// Thirteen clients once took all places with answers that they did not read, and everybody else got 503.
#[tokio::test]
async fn whoever_reads_nothing_takes_no_place_from_others() {
    let app = TestApp::new().await;
    fill(&app, 1_000).await;
    let limits = ServerLimits { requests: 128, ..ServerLimits::default() };
    let secured = Secured::start(app.http(), limits).await;
    let mut crowd = Vec::new();
    for round in 0..15 {
        let requests = secured.join_as(Builder::new().initial_window_size(0)).await;
        for number in 0..100 {
            let long = question("GET", "/AccessToken/demo?take=1000").of(&app.admin);
            let asked = if (round + number) % 2 == 0 { question("GET", "/nowhere") } else { long };
            crowd.push(asked.send(&requests).await.0);
        }
        crowd.push(question("GET", "/healthz").send(&requests).await.0);
        // Served while they hold on.
        let honest = secured.join().await;
        let list = question("GET", "/AccessToken/demo?take=10").of(&app.admin);
        let answer = list.over_http_2(&honest).await;
        assert_eq!((answer.status(), answer.is_whole), (200, true), "{round}: {answer:?}");
        let create = question("POST", "/AccessToken/demo").of(&app.admin).sending(r#"{"title":"a"}"#);
        assert_eq!(create.over_http_2(&honest).await.status(), 200, "{round}");
        assert_eq!(question("GET", "/auth/demo").of("x").over_http_2(&honest).await.status(), 401);
        let stranger = question("GET", "/api/accessTokens");
        assert_eq!(stranger.over_http_2(&honest).await.status(), 401, "{round}: a common place");
    }
}

#[tokio::test]
async fn a_stop_says_goodbye_and_lets_requests_finish() {
    let app = TestApp::new().await;
    let secured = Secured::start(app.http(), ServerLimits::default()).await;
    let (busy, idle) = (secured.join().await, secured.join().await);
    assert_eq!(question("GET", "/healthz").over_http_2(&idle).await.status(), 200);
    let create =
        question("POST", "/AccessToken/demo").of(&app.admin).with("content-type", "application/json");
    let mut ready = busy.clone().ready().await.unwrap();
    let (answer, mut body) = ready.send_request(create.request(), false).unwrap();
    body.send_data(Bytes::from_static(br#"{"title":"#), false).unwrap();
    assert_eq!(question("GET", "/healthz").over_http_2(&busy).await.status(), 200, "the other one is there");
    let stopping = secured.server.stop();
    // Until the goodbye has come.
    while idle.clone().ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    body.send_data(Bytes::from_static(br#""a"}"#), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    stopping.finish().await;
}
