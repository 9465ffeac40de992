//! The recipes for gateways, run as users get them: what a client is answered, and what the API behind the gateway sees.

mod outages;
mod paths;
mod requests;
mod witness;

use crate::support::{Answer, Installation, request, text};
use jeton_testkit::FaultyProxy;
use jeton_testkit::gateway::{Gateway, Kind, recipe};
use serde_json::Value;
use witness::{Seen, Witness};

/// A gateway before an API, with a Jeton that it asks.
struct Bed {
    gateway: Gateway,
    api: Witness,
    jeton: FaultyProxy,
    installation: Installation,
    /// Of user 7: it may read datastreams `7` and `a b`, and nothing else.
    token: String,
    token_id: u64,
}

impl Bed {
    fn new(kind: Kind) -> Self {
        let mut settings: Value = serde_json::from_str(&recipe("settings.json")).unwrap();
        settings["forward_auth"]["source"] = kind.source().into();
        let installation = Installation::sqlite().with(&settings).serve();
        let scope = r#"{"permissions": ["read"], "ids": ["7", "a b"]}"#;
        let create = ["token", "create", "--app", "demo", "--user-id", "7", "--scope", scope];
        let token = installation.sandbox.json(&create);
        let api = Witness::start();
        let jeton = FaultyProxy::to(installation.server().address);
        let gateway = Gateway::start(kind, Some(jeton.address()), api.address);
        let token_id = token["id"].as_u64().unwrap();
        Bed { gateway, api, jeton, installation, token: text(&token, "access_token").to_owned(), token_id }
    }

    /// Asks the gateway with these header lines. What the client got, and what the API saw.
    #[track_caller]
    fn ask(&self, method: &str, target: &str, headers: &[&str]) -> (Answer, Option<Seen>) {
        let headers: Vec<String> = headers.iter().map(|line| (*line).to_owned()).collect();
        let answer = request(self.gateway.front(), method, target, &headers, None);
        (answer, self.api.saw())
    }

    /// The same with the token.
    #[track_caller]
    fn ask_as_holder(&self, method: &str, target: &str, headers: &[&str]) -> (Answer, Option<Seen>) {
        self.ask(method, target, &[&[self.bearer().as_str()], headers].concat())
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

/// Each scenario before each kind of gateway.
macro_rules! before_each_gateway {
    ($($gateway:ident $kind:ident;)+) => {
        $(mod $gateway {
            use super::{Kind, outages, paths, requests};

            fn run(scenario: fn(Kind)) {
                if !jeton_testkit::skips(stringify!($kind)) {
                    scenario(Kind::$kind);
                }
            }

            #[test]
            fn decisions() {
                run(requests::decisions);
            }

            #[test]
            fn methods() {
                run(requests::methods);
            }

            #[test]
            fn preflights() {
                run(requests::preflights);
            }

            #[test]
            fn headers_of_clients() {
                run(requests::headers_of_clients);
            }

            #[test]
            fn credentials() {
                run(requests::credentials);
            }

            #[test]
            fn bodies_and_large_heads() {
                run(requests::bodies_and_large_heads);
            }

            #[test]
            fn upgrades() {
                run(requests::upgrades);
            }

            #[test]
            fn questions() {
                run(requests::questions);
            }

            #[test]
            fn paths() {
                run(paths::tricks);
            }

            #[test]
            fn nothing_is_changed_in_between() {
                run(paths::nothing_is_changed_in_between);
            }

            #[test]
            fn outages() {
                run(outages::outages);
            }

            #[test]
            fn other_answers() {
                run(outages::other_answers);
            }
        })+
    };
}

before_each_gateway! {
    nginx Nginx;
    caddy Caddy;
    envoy Envoy;
    haproxy Haproxy;
}
