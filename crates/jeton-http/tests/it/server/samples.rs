//! What the published samples of the user-token API send, byte by byte as it was recorded.

use super::socket::Serving;
use crate::app::{TestApp, grant, user};
use serde_json::{Value, json};

/// One row for each request: a sample client and what it sent.
const SAMPLES: &str = include_str!("samples_on_the_wire.md");
/// The clients, in the order of the table. Each sent five requests.
const CLIENTS: [&str; 8] = ["python", "axios", "fetch", "php", "go", "ruby", "java", "okhttp"];
const OPERATIONS: [&str; 5] = ["list", "create", "create-filled", "update", "delete"];

/// A request as it was recorded.
struct Sample<'a> {
    operation: &'a str,
    client: &'a str,
    /// Without the code signs around it.
    line: &'a str,
    headers: Vec<String>,
    body: &'a str,
}

fn samples() -> Vec<Sample<'static>> {
    SAMPLES.lines().skip(2).map(sample).collect()
}

fn sample(row: &str) -> Sample<'_> {
    let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
    let [operation, client, line, content_type, framing, body, headers, _] = cells[..] else {
        panic!("not a row of eight cells: {row}");
    };
    let unless = |none: &str, header: String| if header.ends_with(none) { None } else { Some(header) };
    let content_type = unless("(none)", format!("Content-Type: {content_type}"));
    let framing = unless("none", framing.to_owned());
    let others = headers.split("; ").map(str::to_owned);
    Sample {
        operation,
        client,
        line: line.trim_matches('`'),
        headers: content_type.into_iter().chain(framing).chain(others).collect(),
        body: body.strip_prefix('`').and_then(|body| body.strip_suffix('`')).unwrap_or_default(),
    }
}

impl Sample<'_> {
    /// The bytes, with the recorded app and token number replaced by real ones, and a credential and a host
    /// put in.
    fn bytes(&self, server: &Serving, secret: &str, id: i64) -> Vec<u8> {
        let (method, rest) = self.line.split_once(' ').unwrap();
        let mut path: Vec<&str> = rest.strip_suffix(" HTTP/1.1").unwrap().split('/').collect();
        assert_eq!(path[..3], ["", "AccessToken", "app1"]);
        path[2] = "demo";
        let id = id.to_string();
        if let Some(recorded) = path.get_mut(3) {
            *recorded = &id;
        }
        let mut lines = vec![
            format!("{method} {} HTTP/1.1", path.join("/")),
            format!("Host: {}", server.address),
            format!("Authorization: Bearer {secret}"),
        ];
        lines.extend(self.headers.clone());
        (lines.join("\r\n") + "\r\n\r\n" + self.body).into_bytes()
    }

    fn is_last_of_connection(&self) -> bool {
        self.headers.iter().any(|header| header == "Connection: close")
    }
}

#[test]
fn every_sample_is_in_the_table_and_whole() {
    let samples = samples();
    let mut expected = CLIENTS.iter().flat_map(|client| OPERATIONS.map(|operation| (operation, *client)));
    for sample in &samples {
        assert_eq!(Some((sample.operation, sample.client)), expected.next());
        let framing = sample.headers.iter().find_map(|header| header.strip_prefix("Content-Length: "));
        assert_eq!(framing.unwrap_or("0"), sample.body.len().to_string(), "{}", sample.body);
    }
    assert_eq!(expected.next(), None);
    let lower_case = samples.iter().filter(|it| it.line.starts_with(|c: char| c.is_ascii_lowercase()));
    assert_eq!(lower_case.count(), 4 * 5, "PHP, Go, Java and OkHttp write their methods small");
}

/// What an update leaves behind: the documented default title, nothing else, and disabled.
async fn assert_updated(app: &TestApp, id: i64, client: &str) {
    let row = app.get("/AccessToken/demo?take=1").bearer(&app.admin).send().await.rows()[0].clone();
    let expected = json!({
        "id": id, "title": "默认标题", "tags": "", "description": "", "permissions": "", "enable": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(row[name], *value, "{client}: {name}");
    }
}

#[tokio::test]
async fn every_sample_is_served_as_it_was_recorded() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let mut connection = server.connect().await;
    // Each client updates and deletes the token that it made.
    let (mut id, mut secrets) = (0, Vec::new());
    for sample in samples() {
        connection.send(sample.bytes(&server, &app.admin, id)).await;
        let answer = connection.answer(true).await;
        let what = format!("{} {}: {answer:?}", sample.client, sample.operation);
        assert!(answer.is_whole, "{what}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let refused = sample.operation == "create";
        assert_eq!(answer.status(), if refused { 400 } else { 200 }, "{what}");
        assert_eq!(body["code"], answer.status(), "{what}");
        match sample.operation {
            "list" => assert_eq!(body["data"], json!({"total": 0, "data": []}), "{what}"),
            "create" => assert_eq!(body["error"], "title must not be empty", "{what}"),
            "create-filled" => {
                let title = format!("seed sample {}", sample.client);
                let row = app.get("/AccessToken/demo").bearer(&app.admin).send().await.rows()[0].clone();
                assert_eq!(
                    (&row["title"], &row["accessToken"]),
                    (&json!(title), &body["data"]["access_token"])
                );
                assert_eq!(body["data"]["expires_in"], 30 * 86_400, "{what}");
                id = row["id"].as_i64().unwrap();
                secrets.push(body["data"]["access_token"].as_str().unwrap().to_owned());
            }
            "update" => {
                assert_eq!(body["data"], true, "{what}");
                assert_updated(&app, id, sample.client).await;
            }
            "delete" => {
                assert_eq!(body["data"], true, "{what}");
                assert_eq!(app.token(id).await, None, "{what}");
            }
            other => panic!("no such operation: {other}"),
        }
        if sample.is_last_of_connection() {
            assert!(connection.is_closed().await, "{what}");
            connection = server.connect().await;
        }
    }
    assert_eq!(secrets.len(), CLIENTS.len());
    drop(connection);
    server.stop().finish().await;
}

#[tokio::test]
async fn every_sample_is_served_to_a_user_too() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    let caller = app.issue(grant(user("7"), "")).await;
    for sample in samples() {
        let target = app.issue(grant(user("7"), "")).await;
        let mut connection = server.connect().await;
        connection.send(sample.bytes(&server, &caller.secret, target.id)).await;
        let answer = connection.answer(true).await;
        let expected = if sample.operation == "create" { 400 } else { 200 };
        assert_eq!(answer.status(), expected, "{} {}: {answer:?}", sample.client, sample.operation);
        assert_eq!(app.token(target.id).await.is_none(), sample.operation == "delete", "{}", sample.client);
    }
}

#[tokio::test]
async fn every_sample_without_a_credential_is_401() {
    let app = TestApp::new().await;
    let server = Serving::start(&app).await;
    for sample in samples() {
        let mut connection = server.connect().await;
        connection.send(sample.bytes(&server, "", 1)).await;
        let answer = connection.answer(true).await;
        assert_eq!(answer.status(), 401, "{} {}: {answer:?}", sample.client, sample.operation);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(app.count().await, 1);
}
