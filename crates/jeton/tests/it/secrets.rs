//! Nothing that is issued is ever written down in clear: not in the database, its journals or any other file,
//! not in the log, and not in what commands say on standard error.

use crate::control::exchange;
use crate::support::{Installation, Sandbox, Server, request, send, text};
use jeton_testkit::{Canaries, Cluster};
use serde_json::json;
use std::cell::RefCell;

/// Secrets of another system, taken over: they have neither our form nor our length.
const FOREIGN: [&str; 3] =
    ["0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "a sentence that somebody chose, 选择的", "weak-one"];

/// A run, and every secret that it has seen.
struct Story<'a> {
    installation: &'a Installation,
    secrets: RefCell<Vec<String>>,
}

impl Story<'_> {
    fn sandbox(&self) -> &Sandbox {
        &self.installation.sandbox
    }

    fn server(&self) -> &Server {
        self.installation.server()
    }

    fn admin(&self) -> &str {
        self.installation.credential("admin_token")
    }

    fn learn(&self, secret: &str) -> String {
        self.secrets.borrow_mut().push(secret.to_owned());
        secret.to_owned()
    }

    /// What a command prints, and the secret in it.
    fn made(&self, arguments: &[&str], member: &str) -> String {
        self.learn(text(&self.sandbox().json(arguments), member))
    }

    fn commands(&self) {
        for member in ["client_secret", "admin_token", "operator_token"] {
            self.learn(self.installation.credential(member));
        }
        let token = ["token", "create", "--app", "demo", "--title", "first", "--permissions", "read"];
        let grant = self.made(&token, "access_token");
        let identity = self.made(&["token", "create", "--app", "demo", "--user-id", "7"], "access_token");
        self.made(&["app", "create", "shop"], "client_secret");
        self.made(&["app", "rotate-secret", "shop"], "client_secret");
        self.made(&["operator", "create", "night shift"], "operator_token");
        let patch = self.sandbox().scratch("patch.json", r#"{"token_prefix": "acme"}"#);
        self.sandbox().json(&["app", "settings", "demo", "--merge", &patch]);
        let prefixed = self.made(&token, "access_token");
        assert!(prefixed.starts_with("acme_"));

        let verify = ["token", "verify", "--app", "demo", "--json", "--explain"];
        for secret in [&grant, &identity, &prefixed] {
            assert_eq!(self.sandbox().run_with(&verify, secret).code, Some(0));
            assert_eq!(self.sandbox().run_with(&verify, &format!("{secret}x")).code, Some(1));
        }
        self.sandbox().json(&[
            "token",
            "update",
            "2",
            "--app",
            "demo",
            "--title",
            "second",
            "--permissions",
            "write",
        ]);
        self.sandbox().rows(&["token", "list", "--app", "demo"]);
        self.sandbox().json(&["token", "revoke", "3", "--app", "demo"]);
        assert_eq!(self.sandbox().run(&["token", "export", "--app", "demo"]).code, Some(0));
    }

    fn imports(&self) {
        let mut lines = String::new();
        for secret in FOREIGN.map(|secret| self.learn(secret)) {
            lines.push_str(&format!("{}\n", json!({"access_token": secret, "title": "foreign"})));
        }
        let import = ["token", "import", "--app", "demo", "--json"];
        assert_eq!(self.sandbox().run_with(&import, &lines).code, Some(1), "one is weak");
        assert_eq!(self.sandbox().run_with(&[&import[..], &["--allow-weak"]].concat(), &lines).code, Some(0));
        // Lines that are wrong in every way that could quote what is around the mistake.
        let secret = self.learn("a foreign secret that stands in a line that is wrong");
        let wrong = [
            format!(r#"{{"access_token": "{secret}""#),
            format!(r#"{{"access_token": "{secret}", "titel": "x"}}"#),
            format!(r#"{{"access_token": ["{secret}"]}}"#),
            format!(r#"{{"access_token": "x", "enabled": "{secret}"}}"#),
            format!(r#"{{"{secret}": "access_token"}}"#),
            format!(r#"{{"access_token": "{secret}", "user_id": {{"{secret}": 1}}}}"#),
            format!(r#"{{"access_token": "{secret}", "created_at": "{secret}"}}"#),
            format!(r#"{{"access_token": "{secret}", "scopes": [{{"{secret}": []}}]}}"#),
            format!(r#"{{"access_token": "{}"}}"#, secret.repeat(30)),
            secret.clone(),
        ];
        let run = self.sandbox().run_with(&import, &wrong.join("\n"));
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(!run.stdout.contains(&secret), "{run:?}");
        assert_eq!(run.stdout.matches(r#""line":"#).count(), wrong.len(), "{run:?}");
    }

    fn requests(&self) {
        let body = json!({"title": "over HTTP", "permissions": "read", "expireInDays": 1}).to_string();
        let made = self.server().ask("POST", "/AccessToken/demo", self.admin(), Some(&body)).json();
        let issued = self.learn(text(&made["data"], "access_token"));
        assert_eq!(self.server().auth(&issued), 200);
        let listed = self.server().ask("GET", "/AccessToken/demo?take=100", self.admin(), None);
        assert!(listed.body.contains(&issued));
        let update = json!({"title": issued, "tags": "x".repeat(256)}).to_string();
        for (method, target, body) in [
            ("PUT", "/AccessToken/demo/2", r#"{"title": "third", "enable": false}"#),
            ("PUT", "/AccessToken/demo/2", &update),
            ("DELETE", "/AccessToken/demo/2", ""),
            ("DELETE", "/AccessToken/demo/2", ""),
        ] {
            self.server().ask(method, target, self.admin(), Some(body).filter(|body| !body.is_empty()));
        }
    }

    /// Every secret, in every place where a client may put it by mistake.
    fn mistakes(&self) {
        for secret in self.secrets.borrow().iter().filter(|secret| secret.is_ascii() && !secret.contains(' '))
        {
            for target in [
                format!("/{secret}"),
                format!("/AccessToken/{secret}"),
                format!("/AccessToken/demo/{secret}"),
                format!("/AccessToken/demo?accessToken={secret}&take={secret}"),
                format!("/AccessToken/demo?userId=7&{secret}=1"),
                format!("/auth/{secret}"),
                format!("/auth/demo/{secret}"),
                format!("/auth/demo?permission={secret}&{secret}=x"),
                format!("/auth/demo%ff{secret}"),
            ] {
                for method in ["GET", "PUT", "DELETE", "post", secret] {
                    self.server().ask(method, &target, self.admin(), None);
                    self.server().ask(method, &target, secret, None);
                }
            }
            for body in [
                format!(r#"{{"title": {secret}"#),
                format!(r#"{{"{secret}": 1}}"#),
                format!(r#"{{"title": "x", "expireInDays": "{secret}"}}"#),
                format!(r#"{{"title": "x", "permissions": ["{secret}"]}}"#),
                format!("\"{secret}"),
            ] {
                self.server().ask("POST", "/AccessToken/demo", self.admin(), Some(&body));
                self.server().ask("PUT", "/AccessToken/demo/1", self.admin(), Some(&body));
            }
            self.odd_heads(secret);
            self.odd_requests_for_commands(secret);
        }
    }

    fn odd_heads(&self, secret: &str) {
        let address = self.server().address;
        for head in [
            format!("Authorization: {secret}"),
            format!("Authorization: Basic {secret}"),
            format!("X-Access-Token: {secret}\r\nAuthorization: Bearer {secret}"),
            format!("Content-Type: {secret}"),
            format!("Content-Length: {secret}"),
            format!("Transfer-Encoding: {secret}"),
            format!("{secret} x: y"),
        ] {
            request(address, "POST", "/AccessToken/demo", &[head], None);
        }
        // What other systems issue may be so short and plain that it passes for an id.
        if secret.len() > 48 {
            request(address, "GET", "/auth/demo", &[format!("X-Request-Id: {secret}")], None);
        }
        send(address, format!("{secret}\r\n\r\n").as_bytes());
        send(address, format!("GET /{secret} HTTP/{secret}\r\n\r\n").as_bytes());
    }

    fn odd_requests_for_commands(&self, secret: &str) {
        for message in [
            format!("{{\"{secret}\""),
            json!({"database": secret, "request": {secret: {}}}).to_string(),
            json!({"database": "sqlite", "request": {"token_verify": {"app": secret, "token": [secret]}}})
                .to_string(),
        ] {
            let answer = exchange(self.sandbox(), message.as_bytes());
            assert!(!answer.contains(secret), "{answer}");
        }
        let verify = ["token", "verify", "--app", "nowhere"];
        assert_eq!(self.sandbox().run_with(&verify, secret).code, Some(1));
        let merge = ["app", "settings", "demo", "--merge", "-"];
        for patch in [format!("{{\"{secret}\""), format!("{{\"appkey\": {{\"grantable\": [\"{secret}")] {
            assert_eq!(self.sandbox().run_with(&merge, &patch).code, Some(2));
        }
    }
}

/// With every line that the log can have, in this format.
fn nothing_is_written_in_clear(mut installation: Installation, format: &str) {
    let mut command = installation.sandbox.command(&["serve"]);
    command.envs([("JETON_LOG", "debug"), ("JETON_LOG_REQUESTS", "all"), ("JETON_LOG_FORMAT", format)]);
    installation.server = Some(Server::launched(&mut command));
    let story = Story { installation: &installation, secrets: RefCell::default() };
    story.commands();
    story.imports();
    story.requests();
    story.mistakes();
    let secrets = story.secrets.into_inner();
    assert!(secrets.len() > 10);
    let canaries = Canaries::new(&secrets);
    let clear = |when: &str| {
        let data_dir = installation.sandbox.data_dir();
        assert!(!data_dir.join("first-run.json").exists());
        assert_eq!(canaries.under(&data_dir).unwrap(), [], "{when}");
        if let Some(url) = &installation.sandbox.database_url {
            let dump = Cluster::shared().dump(url);
            assert!(
                dump.contains("over HTTP") || dump.contains("foreign"),
                "the dump is of another database"
            );
            assert_eq!(canaries.in_text(dump), [], "{when}");
        }
    };
    clear("while it runs");
    let metrics = request(installation.server().admin_address, "GET", "/metrics", &[], None).body;
    assert!(metrics.contains("jeton_http_requests_total{"), "{metrics}");
    assert_eq!(canaries.in_text(metrics), [], "the metrics");
    let settings = installation.sandbox.run(&["config", "show"]).done();
    assert_eq!(canaries.in_text(settings), [], "the settings");
    let log = installation.server.take().unwrap().stop();
    clear("when it has stopped");
    let debug = if format == "json" { r#""level":"debug""# } else { " DEBUG " };
    assert!(log.contains(debug), "the log does not say all that it could: {log}");
    assert!(log.contains("/AccessToken/{appKey}"), "the log does not name requests: {log}");
    assert_eq!(canaries.in_text(&log), [], "the log");
    assert_eq!(canaries.in_text(installation.sandbox.stderr()), [], "standard error");
    assert!(
        !log.contains("ERROR") && !log.contains(r#""level":"error""#),
        "a client's mistake is no error of the service: {log}"
    );
}

#[test]
fn nothing_is_written_in_clear_on_sqlite() {
    nothing_is_written_in_clear(Installation::sqlite(), "json");
}

#[test]
fn nothing_is_written_in_clear_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        nothing_is_written_in_clear(Installation::postgres(), "human");
    }
}
