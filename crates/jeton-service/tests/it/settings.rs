//! Changing the settings of an app.

use crate::fixture::World;
use jeton_core::{Cause, ChangeKind, Reveal};
use jeton_service::{AppSettings, Merged, print_settings};
use serde_json::{Value, json};

async fn merge(world: &World, patch: Value) -> Merged {
    world.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_at_once_none_is_lost() {
    let world = World::new().await;
    for round in 1..=5 {
        let changes = world.changes(ChangeKind::AppUpdated).await;
        let patches = [
            json!({"token_prefix": format!("round{round}")}),
            json!({"default_ttl_seconds": 100 + round}),
            json!({"max_ttl_seconds": 1000 + round}),
            json!({"reveal": if round % 2 == 1 { "once" } else { "always" }}),
            json!({"appkey": {"enabled": round % 2 == 0}}),
            json!({"appkey": {"default_days": round}}),
            json!({"appkey": {"int64": if round % 2 == 1 { "string" } else { "number" }}}),
            json!({"appkey": {"grantable": [format!("p{round}")]}}),
        ];
        let mut tasks = tokio::task::JoinSet::new();
        for patch in patches {
            let service = world.service.clone();
            tasks.spawn(async move {
                service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap()
            });
        }
        let answers = tasks.join_all().await;
        assert!(answers.iter().all(|answer| matches!(answer, Merged::Done(_))), "{answers:?}");
        let expected = json!({
            "reveal": if round % 2 == 1 { "once" } else { "always" },
            "token_prefix": format!("round{round}"),
            "default_ttl_seconds": 100 + round,
            "max_ttl_seconds": 1000 + round,
            "allow_outliving_tokens": false,
            "appkey": {
                "enabled": round % 2 == 0,
                "default_days": round,
                "int64": if round % 2 == 1 { "string" } else { "number" },
                "grantable": [format!("p{round}")],
            },
        });
        let mut printed = print_settings(&world.demo().await.settings);
        printed.as_object_mut().unwrap().retain(|name, _| !UNTOUCHED.contains(&name.as_str()));
        assert_eq!(printed, expected);
        assert_eq!(world.changes(ChangeKind::AppUpdated).await, changes + 8, "each is one entry of the log");
        let app = world.store.app_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(app.data_key.is_some(), round % 2 == 0, "the data key goes with the setting");
    }
}

/// Members of settings that these tests leave alone.
const UNTOUCHED: [&str; 10] = [
    "suspended",
    "allowed_addresses",
    "delegation_depth",
    "cors",
    "dotide",
    "loopback",
    "forward_auth",
    "self_service",
    "rotation",
    "policies",
];

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let world = World::new().await;
    let before = world.store.app_by_key(&"demo".parse().unwrap()).await.unwrap();
    for patch in [
        json!({"reveal": "once", "token_prefix": "No"}),
        json!({"reveal": "once", "colour": 1}),
        json!({"appkey": {"grantable": ["jeton:manage"]}}),
        json!({"max_ttl_seconds": 0}),
        json!({"cors": {"origins": ["*"], "credentials": true}}),
        json!({"cors": {"origins": ["app.example"]}}),
        json!({"cors": {"max_age": 5}}),
        json!({"loopback": {"cors": {"origins": ["*"], "credentials": true}}}),
        json!("reveal"),
        Value::Null,
    ] {
        let merged = merge(&world, patch.clone()).await;
        assert!(matches!(merged, Merged::Refused(_)), "{patch}: {merged:?}");
    }
    assert_eq!(world.store.app_by_key(&"demo".parse().unwrap()).await.unwrap(), before);
    let nobody = world.service.merge_settings(&"nobody".parse().unwrap(), &json!({}), &Cause::CLI).await;
    assert!(matches!(nobody.unwrap(), Merged::NoApp));
}

#[tokio::test]
async fn null_puts_a_member_back_and_the_answer_is_the_whole() {
    let world = World::new().await;
    merge(&world, json!({"reveal": "once", "appkey": {"default_days": 7, "grantable": ["read"]}})).await;
    let Merged::Done(app) = merge(&world, json!({"reveal": null, "appkey": {"default_days": null}})).await
    else {
        panic!("refused")
    };
    let mut expected = AppSettings::default();
    expected.common.appkey.grantable = jeton_core::Permission::parse_list("read").unwrap();
    assert_eq!(app.settings, expected);
    assert_eq!(app.settings.common.reveal, Reveal::Always);
    assert_eq!(world.demo().await.settings, expected);
    assert_eq!(world.service.app(&"demo".parse().unwrap()).await.unwrap().unwrap().settings, expected);
}
