//! Chains of tokens that make and change tokens, through every API: whatever comes of them reaches no
//! further, in what it allows, its user and its lifetime, than its creator or the callers that wrote to it.

use crate::app::{EVERYTHING, HOUR, TestApp, grant, identity, lasting, service, user};
use jeton_core::{Lifetime, Secret, Timestamp, Token, TokenId, TokenKind, earlier_end, later_end};
use jeton_service::Edit;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How far something may reach. `None`: to everything.
#[derive(Clone, Debug)]
struct Reach {
    ends_at: Option<Timestamp>,
    permissions: Option<BTreeSet<String>>,
    users: Option<BTreeSet<String>>,
}

/// A token, and how far it may reach at most: as far as it was given at the root, or as the callers that
/// wrote to it.
struct Node {
    secret: String,
    id: TokenId,
    reach: Reach,
    /// Whether what it writes over LoopBack is written by name.
    is_trusted: bool,
}

/// What is data of a row on LoopBack.
#[derive(Clone, Debug)]
struct RowData {
    user: Option<&'static str>,
    ttl: Option<Value>,
    created: Option<&'static str>,
}

/// One step. Actor and target are indices into the existing tokens.
#[derive(Clone, Debug)]
enum Step {
    MakeOnAppKey {
        by: Index,
        permissions: &'static str,
        days: i32,
        user: Option<&'static str>,
    },
    ChangeOnAppKey {
        by: Index,
        of: Index,
        permissions: Option<&'static str>,
        enable: Option<bool>,
    },
    MakeOnLoopBack {
        by: Index,
        data: RowData,
        method: usize,
    },
    WriteOnLoopBack {
        by: Index,
        of: Index,
        data: RowData,
        method: usize,
    },
    /// The app itself narrows a token.
    NarrowOnDotide {
        of: Index,
        permissions: &'static str,
    },
    /// An operator ends a token sooner.
    Shorten {
        of: Index,
        millis: i64,
    },
    Pass {
        millis: i64,
    },
}

fn users() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec!["2", "7", "8"]))
}

fn permissions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "read", "write", "read,write", "delete"])
}

fn data() -> impl Strategy<Value = RowData> {
    let ttl =
        prop::sample::select(vec![json!(1e11), json!(-1), json!(60), json!("7200"), json!(0), json!(1e300)]);
    let created =
        prop::sample::select(vec!["1970-01-01T00:00:00Z", "2026-01-02T03:00:00Z", "9999-01-01T00:00:00Z"]);
    (users(), prop::option::of(ttl), prop::option::of(created)).prop_map(|(user, ttl, created)| RowData {
        user,
        ttl,
        created,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let days = prop::sample::select(vec![-1, 0, 1, 3650]);
    prop_oneof![
        3 => (index(), permissions(), days, users())
            .prop_map(|(by, permissions, days, user)| Step::MakeOnAppKey { by, permissions, days, user }),
        2 => (index(), index(), prop::option::of(permissions()), any::<Option<bool>>())
            .prop_map(|(by, of, permissions, enable)| Step::ChangeOnAppKey { by, of, permissions, enable }),
        4 => (index(), data(), 0..5_usize).prop_map(|(by, data, method)| Step::MakeOnLoopBack { by, data, method }),
        6 => (index(), index(), data(), 0..7_usize)
            .prop_map(|(by, of, data, method)| Step::WriteOnLoopBack { by, of, data, method }),
        1 => (index(), permissions()).prop_map(|(of, permissions)| Step::NarrowOnDotide { of, permissions }),
        1 => (index(), 0..HOUR).prop_map(|(of, millis)| Step::Shorten { of, millis }),
        1 => (0..HOUR).prop_map(|millis| Step::Pass { millis }),
    ]
}

struct World {
    app: TestApp,
    nodes: Vec<Node>,
}

impl World {
    /// Tokens of every kind, each of which ends at another time.
    async fn new() -> Self {
        let app = TestApp::new().await;
        let entry = |role: &str| json!({"principalType": "ROLE", "principalId": role, "permission": "ALLOW"});
        app.merge(json!({
            "appkey": {"grantable": ["read"]},
            "loopback": {
                "acls": [entry("$everyone"), entry("admin")], "roles": {"admin": [2]},
                "allow_eternal_tokens": true, "client_ids": "anyone",
            },
        }))
        .await;
        let mut world = World { app, nodes: Vec::new() };
        for (hours, issue, permissions, users) in [
            (1, identity(user("7")), Some("read"), Some("7")),
            (2, identity(user("8")), Some("read"), Some("8")),
            (3, identity(user("2")), Some("read"), None),
            (4, grant(user("7"), "read,write"), Some("read,write"), Some("7")),
            (5, service(user("1"), "jeton:manage"), None, None),
            (0, identity(user("7")), Some("read"), Some("7")),
            (0, grant(user("8"), "read"), Some("read"), Some("8")),
        ] {
            let held = world.app.issue(lasting(hours * HOUR, issue)).await;
            let set = |list: &str| list.split(',').map(str::to_owned).collect::<BTreeSet<_>>();
            let reach = Reach {
                ends_at: Some(world.app.after(hours * HOUR)),
                permissions: permissions.map(set),
                users: users.map(set),
            };
            let (id, is_trusted) = (TokenId::new(held.id).unwrap(), users.is_none());
            world.nodes.push(Node { secret: held.secret, id, reach, is_trusted });
        }
        world
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let count = self.nodes.len();
        let before = self.tokens().await;
        let mut writer = None;
        match step {
            Step::MakeOnAppKey { by, permissions, days, user } => {
                writer = Some(by.index(count));
                self.make_on_appkey(by.index(count), permissions, *days, *user).await;
            }
            Step::ChangeOnAppKey { by, of, permissions, enable } => {
                writer = Some(by.index(count));
                let path = format!("/AccessToken/demo/{}", self.nodes[of.index(count)].id);
                let body = json!({"title": "t", "permissions": permissions, "enable": enable});
                let by = &self.nodes[by.index(count)].secret;
                let status = self.app.put(&path).bearer(by).json(&body).status().await;
                if status == 200 {
                    self.write(writer, of.index(count));
                }
            }
            Step::MakeOnLoopBack { by, data, method } => {
                writer = Some(by.index(count));
                self.make_on_loopback(by.index(count), data, *method).await;
            }
            Step::WriteOnLoopBack { by, of, data, method } => {
                writer = Some(by.index(count));
                self.write_on_loopback(by.index(count), of.index(count), data, *method).await;
            }
            Step::NarrowOnDotide { of, permissions } => {
                let node = &self.nodes[of.index(count)];
                let held = node.reach.permissions.clone().unwrap_or_default();
                let names: Vec<_> = permissions.split(',').filter(|name| held.contains(*name)).collect();
                let (id, secret) = &self.app.client;
                let path = format!("/v1/demo/access_tokens/{}", node.secret);
                let scopes = json!({"scopes": [{"permissions": names, "global": true}]});
                self.app.put(&path).basic(id, secret).json(&scopes).send().await;
            }
            Step::Shorten { of, millis } => {
                let id = self.nodes[of.index(count)].id;
                let end = before[of.index(count)].as_ref().map(|token| token.expires_at);
                let sooner = Some(self.app.after(*millis));
                if end.is_some_and(|end| earlier_end(end, sooner) == sooner) {
                    let edit = Edit { lifetime: Some(Lifetime::Millis(*millis)), ..Edit::default() };
                    let app = self.app.open("demo").await;
                    self.app.service.update(&app, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
                }
            }
            Step::Pass { millis } => self.app.clock.advance_millis(*millis),
        }
        self.check(&before, writer).await
    }

    async fn make_on_appkey(&mut self, by: usize, permissions: &str, days: i32, user: Option<&str>) {
        let mut body = json!({"title": "t", "permissions": permissions, "expireInDays": days});
        if let Some(user) = user {
            body["userID"] = json!(user.parse::<i64>().unwrap());
        }
        let asked = self.app.post("/AccessToken/demo").bearer(&self.nodes[by].secret).json(&body);
        let answer = asked.send().await;
        if answer.status == 200 {
            self.add(by, answer.json()["data"]["access_token"].as_str().unwrap()).await;
        }
    }

    fn on_loopback(&self, by: usize, method: &str, rest: &str) -> crate::app::Ask<'_> {
        let path = format!("/api/accessTokens{rest}");
        self.app.ask(method, &path).header("x-access-token", &self.nodes[by].secret)
    }

    async fn make_on_loopback(&mut self, by: usize, data: &RowData, method: usize) {
        let body = data.body();
        let (method, rest) = [
            ("POST", ""),
            ("PUT", ""),
            ("PATCH", ""),
            ("POST", "/replaceOrCreate"),
            ("POST", "/upsertWithWhere?where[userId]=nobody"),
        ][method];
        let body = if body.is_empty() { json!({"x": 1}) } else { Value::Object(body) };
        let answer = self.on_loopback(by, method, rest).json(&body).send().await;
        if answer.status == 200 {
            self.add(by, answer.json()["id"].as_str().unwrap()).await;
        }
    }

    async fn write_on_loopback(&mut self, by: usize, of: usize, data: &RowData, method: usize) {
        let id = self.nodes[of].secret.clone();
        let mut body = data.body();
        let row = format!("/{id}");
        let (method, rest) = match method {
            0 => ("PUT", row),
            1 => ("PATCH", row),
            2 => ("POST", format!("{row}/replace")),
            3 => ("POST", format!("/update?where[id]={id}")),
            4 => ("POST", format!("/upsertWithWhere?where[id]={id}")),
            5 => ("PUT", String::new()),
            _ => ("POST", "/replaceOrCreate".to_owned()),
        };
        if rest.is_empty() || rest == "/replaceOrCreate" {
            body.insert("id".to_owned(), json!(id));
        }
        body.insert("x".to_owned(), json!(1));
        self.on_loopback(by, method, &rest).json(&Value::Object(body)).send().await;
        self.write(Some(by), of);
    }

    /// A caller that writes a token may extend its own reach to it.
    fn write(&mut self, by: Option<usize>, of: usize) {
        let Some(by) = by else { return };
        // It may now speak for a user that the rules name.
        self.nodes[of].is_trusted |= self.nodes[by].is_trusted;
        let (from, to) = (self.nodes[by].reach.clone(), &mut self.nodes[of].reach);
        let join = |one: Option<BTreeSet<String>>, other: Option<BTreeSet<String>>| Some(&one? | &other?);
        to.ends_at = later_end(to.ends_at, from.ends_at);
        to.permissions = join(to.permissions.take(), from.permissions);
        to.users = join(to.users.take(), from.users);
    }

    async fn add(&mut self, by: usize, secret: &str) {
        let secret = secret.to_owned();
        let parsed = Secret::parse(&secret).unwrap();
        let found = self.app.service.find(&self.app.open("demo").await, &EVERYTHING, &parsed).await.unwrap();
        let id = found.unwrap().token.id;
        let (reach, is_trusted) = (self.nodes[by].reach.clone(), self.nodes[by].is_trusted);
        self.nodes.push(Node { secret, id, reach, is_trusted });
    }

    async fn tokens(&self) -> Vec<Option<Token>> {
        let mut tokens = Vec::new();
        for node in &self.nodes {
            tokens.push(self.app.token(node.id.get()).await);
        }
        tokens
    }

    async fn check(&self, before: &[Option<Token>], writer: Option<usize>) -> Result<(), TestCaseError> {
        let now = self.app.after(0);
        for (place, (node, token)) in self.nodes.iter().zip(self.tokens().await).enumerate() {
            let Some(token) = token else { continue };
            let reach = &node.reach;
            // It reaches nothing, however long.
            if token.spec.kind == TokenKind::SelfMade {
                let heard = self.app.get("/auth/demo").bearer(&node.secret).status().await;
                prop_assert_eq!(heard, 401, "{} is known elsewhere", place);
                continue;
            }
            if let Some(Some(before)) = before.get(place)
                && before.has_expired(now)
                && writer.is_none_or(|writer| !self.nodes[writer].is_trusted)
            {
                prop_assert!(token.has_expired(now), "{} lives again", place);
            }
            prop_assert_eq!(
                earlier_end(token.expires_at, reach.ends_at),
                token.expires_at,
                "{} outlives {:?}",
                place,
                reach
            );
            let names = token.spec.scopes.as_slice().iter().flat_map(|scope| &scope.permissions);
            for name in names {
                let held = reach.permissions.as_ref();
                prop_assert!(
                    held.is_none_or(|held| held.contains(name.as_str())),
                    "{} allows {}",
                    place,
                    name
                );
            }
            if let Some(user) = token.spec.owner.named().map(ToString::to_string) {
                let held = reach.users.as_ref();
                prop_assert!(held.is_none_or(|held| held.contains(&user)), "{} speaks for {}", place, user);
            }
        }
        Ok(())
    }
}

impl RowData {
    fn body(&self) -> Map<String, Value> {
        let user = self.user.map(|user| ("userId", json!(user)));
        let ttl = self.ttl.clone().map(|ttl| ("ttl", ttl));
        let created = self.created.map(|created| ("created", json!(created)));
        [user, ttl, created].into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_descendant_reaches_further_than_its_ancestors(steps in prop::collection::vec(steps(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.take(step).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
