//! What was acknowledged.

use crate::prove::connection::connect;
use crate::prove::fleet::{Made, Node, is_allowed};
use sqlx::{Connection, PgConnection, query_as};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;

/// How many of the newest tokens are asked about.
const ASKED_ABOUT: usize = 200;

/// The tokens whose issue was acknowledged.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Vec<Arc<Token>>>);

pub(super) struct Token {
    pub(super) id: i64,
    pub(super) secret: String,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct State {
    /// Whether a node was asked to revoke it.
    pub(super) is_asked_to_go: bool,
    /// When that was acknowledged, after the beginning.
    pub(super) gone: Option<Duration>,
}

impl Token {
    pub(super) fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    pub(super) fn is_asked_to_go(&self) {
        self.state.lock().unwrap().is_asked_to_go = true;
    }

    pub(super) fn is_gone(&self, at: Duration) {
        self.state.lock().unwrap().gone = Some(at);
    }
}

impl Ledger {
    pub(super) fn issued(&self, made: Made) -> Arc<Token> {
        let Made { id, secret } = made;
        let token = Arc::new(Token { id, secret, state: Mutex::default() });
        self.0.lock().unwrap().push(token.clone());
        token
    }

    /// One of the newest, another one each turn; `None`: there is none yet.
    pub(super) fn one_of_the_last(&self, turn: usize) -> Option<Arc<Token>> {
        let tokens = self.0.lock().unwrap();
        let last = &tokens[tokens.len().saturating_sub(ASKED_ABOUT)..];
        // A step that has no divisor in common with how many they are.
        Some(last.get(turn * 89 % last.len().max(1))?.clone())
    }
}

/// Compares what is stored, and what each node says, with what was acknowledged, and answers how many writes that were.
pub(super) fn assert_kept(ledger: &Ledger, nodes: &[Node], url: &str) -> usize {
    let tokens = ledger.0.lock().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let rows: BTreeMap<i64, (Option<i64>, i64, i64)> = runtime.block_on(async {
        let sql = "SELECT id, revoked_at, revision, \
                   (SELECT count(*) FROM changes WHERE kind LIKE 'token.%' AND subject_id = tokens.id) FROM tokens";
        let mut connection = PgConnection::connect(url).await.unwrap();
        let rows: Vec<(i64, Option<i64>, i64, i64)> = query_as(sql).fetch_all(&mut connection).await.unwrap();
        rows.into_iter().map(|(id, revoked_at, revision, entries)| (id, (revoked_at, revision, entries))).collect()
    });
    let mut acknowledged = 0;
    for token in tokens.iter() {
        let state = token.state();
        let row = rows.get(&token.id).unwrap_or_else(|| panic!("token {} is lost", token.id));
        let (revoked_at, ..) = row;
        assert!(revoked_at.is_some() || state.gone.is_none(), "the revoke of token {} is lost", token.id);
        assert!(revoked_at.is_none() || state.is_asked_to_go, "nobody has revoked token {}", token.id);
        acknowledged += 1 + usize::from(state.gone.is_some());
    }
    for (id, (_, revision, entries)) in &rows {
        assert_eq!(revision, entries, "entries of the log for token {id}");
    }
    thread::scope(|scope| {
        for node in nodes {
            let (tokens, rows) = (&tokens, &rows);
            scope.spawn(move || {
                let mut stream = connect(node.server.address);
                for token in tokens.iter() {
                    let is_allowed = is_allowed(&mut stream, &token.secret);
                    assert_eq!(is_allowed, Some(rows[&token.id].0.is_none()), "token {}", token.id);
                }
            });
        }
    });
    acknowledged
}
