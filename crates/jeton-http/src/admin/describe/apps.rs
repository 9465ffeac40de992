//! Apps.

use super::settings::{SettingsShape, patch};
use super::{JSON, app, done, makes, of_body, of_once, operation, paging, refusals, shows};
use crate::admin::error::AdminError;
use crate::admin::wire;
use crate::describe::schema::{app_key, described, integer, object, or_null, user_id};
use crate::describe::{Api, Operation, Parameter};
use axum::http::StatusCode;
use jeton_core::MAX_INTEGER;
use jeton_service::{MAX_GRACE, SettingsDocumentError};
use serde_json::{Value, json};

const ALL: &str = "/admin/v1/apps";
const ONE: &str = "/admin/v1/apps/{app}";
const SETTINGS: &str = "/admin/v1/apps/{app}/settings";
const TAG: &str = "apps";

pub(super) fn describe(api: &mut Api, problem: &Value, rotation: Value) {
    let app = api.shape::<wire::App<'_>>();
    let credentials = api.shape::<wire::Credentials<'_>>();
    let settings = api.shape::<SettingsShape>();
    let page = api.shape::<wire::Page<'_, wire::App<'_>>>();
    let patch = api.named("SettingsPatch", patch());
    let new = api.named("NewApp", new_app());
    let operations = [
        list(page),
        create(new, credentials.clone()),
        show(app.clone()),
        suspend(app.clone(), true),
        suspend(app, false),
        delete(),
        show_settings(settings.clone()),
        change_settings(patch, settings),
        rotate(rotation, credentials),
    ];
    for (operation, own) in operations {
        api.add(operation.of(TAG).refuses(problem, refusals(own)));
    }
}

type Described = (Operation, Vec<AdminError>);

fn new_app() -> Value {
    let user = described(or_null(user_id()), "The user whose the admin token is; 1 if left out.");
    let mut schema = object(
        &[],
        [
            ("app_key", described(or_null(app_key()), "The key.")),
            ("key", described(or_null(app_key()), "The same, for short.")),
            ("admin_user", user),
        ],
    );
    let named = |one: &str, other: &str| json!({"required": [one], "properties": {one: app_key(), other: {"type": "null"}}});
    schema["oneOf"] = json!([named("app_key", "key"), named("key", "app_key")]);
    schema
}

pub(super) fn rotation() -> Value {
    let most = i64::try_from(MAX_GRACE.as_secs()).expect("a year has few seconds");
    let grace = described(
        or_null(integer(0, most)),
        "For how many seconds the old secret is good beside the new one.",
    );
    object(&[], [("grace_seconds", grace)])
}

fn list(page: Value) -> Described {
    let operation = operation("get", ALL, "listApps", "List apps")
        .takes(paging(integer(1, MAX_INTEGER)))
        .example("page", "A page of ten", [("limit", json!(10)), ("cursor", json!(1))]);
    let operation = shows(operation, StatusCode::OK, "A page of them", page).leads_to(
        StatusCode::OK,
        "showApp",
        "Show the first of them",
        [("app", "$response.body#/items/0/app_key")],
    );
    (operation, vec![AdminError::Parameter("limit is 1 to 1000".to_owned())])
}

fn create(new: Value, credentials: Value) -> Described {
    let created = StatusCode::CREATED;
    let app = [("app", "$response.body#/app_key")];
    let operation = operation("post", ALL, "createApp", "Make an app")
        .says("The answer alone shows the client secret and the admin token.")
        .body("Its key", [(JSON, new)]);
    let operation = makes(operation, "It is made", credentials)
        .example("plain", "An app", [])
        .with(JSON, json!({"app_key": "garden"}))
        .example(
            "once",
            "The same, made once however often it is asked",
            [("Idempotency-Key", json!("make-orchard"))],
        )
        .with(JSON, json!({"app_key": "orchard", "admin_user": 7}))
        .leads_to(created, "showApp", "Show it", app)
        .leads_to(created, "showSettings", "Show its settings", app)
        .leads_to(created, "rotateSecret", "Change its client secret", app)
        .leads_to(created, "createToken", "Make a token of it", app)
        .leads_to(created, "deleteApp", "Delete it", app);
    let own = of_body().into_iter().chain([AdminError::AppExists]).chain(of_once());
    (operation, own.collect())
}

fn show(shape: Value) -> Described {
    let operation = operation("get", ONE, "showApp", "Show an app with its settings").takes([app()]).example(
        "demo",
        "The app demo",
        [("app", json!("demo"))],
    );
    (shows(operation, StatusCode::OK, "The app", shape), vec![AdminError::NoSuchApp])
}

fn delete() -> Described {
    let operation = operation("delete", ONE, "deleteApp", "Delete an app with all its tokens")
        .says("From the answer on, all of them are refused. The key can be used again, by another app.")
        .takes([app()])
        .example("shop", "The app shop", [("app", json!("shop"))]);
    let own = of_body().into_iter().chain([AdminError::NoSuchApp]);
    (done(operation, "It is gone"), own.collect())
}

fn show_settings(shape: Value) -> Described {
    let operation = operation("get", SETTINGS, "showSettings", "Show the settings of an app")
        .takes([app()])
        .example("demo", "Those of the app demo", [("app", json!("demo"))]);
    let operation =
        shows(operation, StatusCode::OK, "All of them", shape).header(StatusCode::OK, "etag").leads_to(
            StatusCode::OK,
            "changeSettings",
            "Change them, unless someone else did meanwhile",
            [("app", "$request.path.app"), ("If-Match", "$response.header.ETag")],
        );
    (operation, vec![AdminError::NoSuchApp])
}

fn change_settings(patch: Value, shape: Value) -> Described {
    let tags = json!({"type": "string", "pattern": r#"^(\*|"[!#-~]*"(, "[!#-~]*")*)?$"#});
    let operation = operation("patch", SETTINGS, "changeSettings", "Change the settings of an app")
        .says("The body is a JSON merge patch (RFC 7396); `null` takes a member back to its default.")
        .takes([app(), Parameter::header("If-Match", "The `ETag` that the settings must have", tags)])
        .body("What is to be otherwise", [(JSON, patch.clone()), ("application/merge-patch+json", patch)])
        .example("once", "Secrets are shown once", [("app", json!("demo"))])
        .with("application/merge-patch+json", json!({"reveal": "once", "token_prefix": "demo"}))
        .example("demand", "A demand with a name", [("app", json!("demo")), ("If-Match", json!("*"))])
        .with(JSON, json!({"forward_auth": {"demands": {"read-7": {"permission": "read", "id": "7"}}}}));
    let operation = shows(operation, StatusCode::OK, "All of them, as they are now", shape)
        .header(StatusCode::OK, "etag");
    let form = SettingsDocumentError::Form("a merge patch of settings is a JSON object".to_owned());
    let [json, _] = of_body();
    (operation, vec![json, AdminError::Settings(form), AdminError::NoSuchApp, AdminError::Stale])
}

fn suspend(shape: Value, is_suspended: bool) -> Described {
    let (path, name, does, done) = match is_suspended {
        true => (
            "/admin/v1/apps/{app}/suspend",
            "suspendApp",
            "Refuse all tokens and client credentials of an app",
            "It is suspended, from this answer on",
        ),
        false => ("/admin/v1/apps/{app}/resume", "resumeApp", "Accept them again", "It is not suspended"),
    };
    let operation = operation("post", path, name, does)
        .says("Nothing else of the app changes. Whether it is suspended is one of its settings, too.")
        .takes([app()])
        .example("shop", "The app shop", [("app", json!("shop"))]);
    (shows(operation, StatusCode::OK, done, shape), vec![AdminError::NoSuchApp])
}

fn rotate(rotation: Value, credentials: Value) -> Described {
    let operation = operation(
        "post",
        "/admin/v1/apps/{app}/rotate-secret",
        "rotateSecret",
        "Change the client secret of an app",
    )
    .says("The answer alone shows it. Without a grace, the old one is refused from the answer on.")
    .takes([app()])
    .optional_body("For how long the old one stays", [(JSON, rotation)])
    .example("at-once", "The old one ends at once", [("app", json!("shop"))])
    .example("grace", "The old one ends in an hour", [("app", json!("shop"))])
    .with(JSON, json!({"grace_seconds": 3600}));
    let own = of_body().into_iter().chain([AdminError::NoSuchApp]);
    (shows(operation, StatusCode::OK, "It is changed", credentials), own.collect())
}
