//! Several nodes on one PostgreSQL, each with a way to it that can fail.

use super::connection::{connect, try_ask_over};
use crate::support::{Installation, Sandbox, Server, request};
use jeton_testkit::FaultyProxy;
use serde_json::{Value, json};
use std::io::BufReader;
use std::net::{SocketAddr, TcpStream};

pub(super) const NODES: usize = 3;

/// A running node. Its limits on time are those that users have.
pub(super) struct Node {
    pub(super) server: Server,
    /// Its way to the database.
    pub(super) proxy: FaultyProxy,
}

/// Starts as many as there are to be on the database at `url`, which `server` has.
pub(super) fn start(sandbox: &Sandbox, url: &str, server: SocketAddr) -> Vec<Node> {
    let node = |_| {
        let proxy = FaultyProxy::to_postgres(server);
        let url = url.replace(&server.to_string(), &proxy.address().to_string());
        let mut command = sandbox.command(&["serve"]);
        command.env("JETON_DATABASE_URL", format!("{url}?sslmode=disable"));
        command.env_remove("JETON_LIMITS_QUERY_SECONDS");
        // Of refused requests there are more than anybody reads.
        command.env("JETON_LOG_REQUESTS", "none");
        Node { server: Server::launched(&mut command), proxy }
    };
    (0..NODES).map(node).collect()
}

/// A token as an operator got it.
pub(super) struct Made {
    pub(super) id: i64,
    pub(super) secret: String,
}

/// An operator's connections to a node.
pub(super) struct Operator {
    addresses: [SocketAddr; 2],
    admin: BufReader<TcpStream>,
    clients: BufReader<TcpStream>,
    operator_token: String,
    admin_token: String,
}

impl Operator {
    pub(super) fn of(node: &Node, installation: &Installation) -> Self {
        let mut operator = Operator {
            addresses: [node.server.admin_address, node.server.address],
            admin: connect(node.server.admin_address),
            clients: connect(node.server.address),
            operator_token: installation.credential("operator_token").to_owned(),
            admin_token: installation.credential("admin_token").to_owned(),
        };
        // A connection over which nothing is asked at first is closed sooner than one that has been of use.
        operator.read("/admin/v1/stats");
        assert_eq!(operator.revoke(i64::MAX), Some(false));
        operator
    }

    /// Makes a token of a user that may read. `None`: the node could not; perhaps there is one.
    pub(super) fn create(&mut self, user: u64) -> Option<Made> {
        let body = json!({"user_id": user.to_string(), "permissions": "read"}).to_string();
        let what = "POST /admin/v1/apps/demo/tokens";
        renew(&mut self.admin, self.addresses[0]);
        let (status, answer) = answered(&mut self.admin, what, &self.operator_token, &body);
        match status {
            201 => {
                let made: Value = serde_json::from_slice(&answer).unwrap();
                let secret = made["access_token"].as_str().unwrap().to_owned();
                Some(Made { id: made["id"].as_i64().unwrap(), secret })
            }
            503 => None,
            _ => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
        }
    }

    /// Revokes a token, by the API that clients have; false if there is none. `None`: the node could not; perhaps it is revoked.
    pub(super) fn revoke(&mut self, id: i64) -> Option<bool> {
        let what = format!("DELETE /AccessToken/demo/{id}");
        renew(&mut self.clients, self.addresses[1]);
        let (status, answer) = answered(&mut self.clients, &what, &self.admin_token, "");
        match status {
            200 => Some(true),
            404 => Some(false),
            503 => None,
            _ => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
        }
    }

    /// What the operators' API answers to a question.
    pub(super) fn read(&mut self, target: &str) -> Value {
        let (status, answer) = answered(&mut self.admin, &format!("GET {target}"), &self.operator_token, "");
        assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    }
}

/// Connects again where a machine stood still for so long that the connection was closed as an idle one.
fn renew(stream: &mut BufReader<TcpStream>, address: SocketAddr) {
    let socket = stream.get_ref();
    socket.set_nonblocking(true).unwrap();
    let is_closed = matches!(socket.peek(&mut [0]), Ok(0));
    socket.set_nonblocking(false).unwrap();
    if is_closed {
        *stream = connect(address);
    }
}

/// Whether a node allows that a token reads. `None`: it cannot tell.
pub(super) fn is_allowed(stream: &mut BufReader<TcpStream>, secret: &str) -> Option<bool> {
    match answered(stream, "GET /auth/demo?permission=read", secret, "") {
        (200, _) => Some(true),
        (401 | 403, _) => Some(false),
        (503, _) => None,
        (status, answer) => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
    }
}

/// Whatever happens to a database, a node answers on the connections that there are.
fn answered(stream: &mut BufReader<TcpStream>, what: &str, secret: &str, body: &str) -> (u16, Vec<u8>) {
    let answer = try_ask_over(stream, what, secret, body);
    answer.unwrap_or_else(|error| panic!("{what}: the node gave no answer: {error}"))
}

/// A number that a node counts.
pub(super) fn metric(node: &Node, name: &str) -> u64 {
    let metrics = request(node.server.admin_address, "GET", "/metrics", &[], None).body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name}: {metrics}"))
}
