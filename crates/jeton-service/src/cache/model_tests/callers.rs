//! Admission, compared with a process without a cache.

use super::World;
use super::changes::CLIENTS;
use crate::loopback::Presentation;
use crate::{Admission, ClientCredentials, OpenApp, Service, Surface};
use jeton_core::{AppKey, Digest, Secret};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::net::IpAddr;
use std::sync::Arc;

/// The patches of settings that histories apply.
pub(super) const PATCHES: [&str; 14] = [
    r#"{"default_ttl_seconds": 60}"#,
    r#"{"appkey": {"enabled": false}}"#,
    r#"{"appkey": {"enabled": true}}"#,
    r#"{"appkey": {"grantable": ["read"]}}"#,
    r#"{"appkey": {"grantable": []}}"#,
    r#"{"dotide": {"enabled": false}}"#,
    r#"{"dotide": {"enabled": true}}"#,
    r#"{"reveal": "once"}"#,
    r#"{"reveal": "always"}"#,
    r#"{"allowed_addresses": ["192.0.2.0/24"]}"#,
    r#"{"allowed_addresses": ["10.0.0.0/8"]}"#,
    r#"{"allowed_addresses": []}"#,
    r#"{"suspended": true}"#,
    r#"{"suspended": false}"#,
];

/// Callers are admitted in the same way as by a process that does not follow the log and asks the store each
/// time.
pub(super) async fn check(world: &World) -> Result<(), TestCaseError> {
    let (here, there) = (&world.here.service, &world.elsewhere.service);
    // Twice: the second answer may come from memory.
    for _ in 0..2 {
        for text in world.secrets() {
            for from in CLIENTS {
                prop_assert_eq!(bearer(here, text, from).await, bearer(there, text, from).await);
            }
        }
        for client in &world.clients {
            prop_assert_eq!(by_client(here, client).await, by_client(there, client).await);
        }
        prop_assert_eq!(surfaces(here).await, surfaces(there).await);
    }
    Ok(())
}

fn demo() -> AppKey {
    "demo".parse().unwrap()
}

async fn bearer(service: &Service, text: &str, from: Option<IpAddr>) -> String {
    let secret = Secret::parse(text).unwrap();
    let admission = service.admit(Surface::AppKey, Some(&demo()), Some(&secret), from).await.unwrap();
    let admission = match admission {
        Admission::Admitted { app, authority } => {
            Admission::Admitted { app: without_digests(&app), authority }
        }
        other => other,
    };
    let Some(app) = service.open_app(&demo()).await.unwrap() else { return format!("{admission:?}") };
    let caller = match service.loopback_caller(&app, Some(&secret), from).await.unwrap() {
        Presentation::Caller(caller) => Some(caller),
        // Only the first caller to present it gets this answer.
        Presentation::Throttled(_) | Presentation::Expired => Some(crate::LoopBackCaller::Anybody),
    };
    format!("{admission:?} {caller:?}")
}

async fn by_client(service: &Service, (id, secret): &(String, String)) -> String {
    let presented = ClientCredentials { id: id.clone(), secret: Secret::parse(secret).unwrap() };
    let admitted =
        service.admit_client(Surface::Dotide, Some(&demo()), Some(&presented), None).await.unwrap();
    format!("{:?}", admitted.map(|(app, authority)| (without_digests(&app), authority)))
}

async fn surfaces(service: &Service) -> String {
    let default = service.open_surface(Surface::AppKey, None).await.unwrap();
    let named = service.open_surface(Surface::Dotide, Some(&demo())).await.unwrap();
    format!("{:?} {:?}", default.map(|app| without_digests(&app)), named.map(|app| without_digests(&app)))
}

/// Another key may have made the digests of its client secrets, which leaves what they are.
fn without_digests(app: &OpenApp) -> Arc<OpenApp> {
    let mut app = app.clone();
    app.client_secrets.iter_mut().for_each(|secret| secret.digest = Digest::ZERO);
    Arc::new(app)
}
