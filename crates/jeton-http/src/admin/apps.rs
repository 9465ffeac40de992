//! Apps, their settings and their client credentials.

use super::call::{Call, app_key, done, json};
use super::error::AdminError;
use super::input::{misfit, number_of};
use super::once::once;
use super::wire;
use crate::server::Headers;
use axum::http::header::{ETAG, IF_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jeton_core::{AppId, AppKey, UserId};
use jeton_service::{AppSummary, AppVersion, MAX_GRACE, Merged, user_id_of};
use std::time::Duration;

/// The user whose the admin token of a new app is where none is named, as with `jeton app create`.
const ADMIN_USER: UserId = UserId::from_integer(1);

pub(super) async fn list(call: &Call<'_>) -> Result<Response, AdminError> {
    let query = call.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let after = query.cursor("", |text| number_of(text).and_then(AppId::new))?;
    let (apps, total) = call.service.apps_page(after, limit).await?;
    let is_full = apps.len() == limit as usize;
    let next = apps.last().filter(|_| is_full).map(|app| app.id.to_string());
    Ok(json(StatusCode::OK, wire::apps(&apps, total, next.as_deref())))
}

pub(super) async fn create(call: &Call<'_>) -> Result<Response, AdminError> {
    let members = call.members(&["app_key", "key", "admin_user"])?;
    let key = match (members.text("app_key")?, members.text("key")?) {
        (Some(key), None) | (None, Some(key)) => key,
        (None, None) => return Err(misfit("app_key", "is missing")),
        (Some(_), Some(_)) => return Err(misfit("app_key", "and key are the same: name one of them")),
    };
    let key: AppKey = key
        .parse()
        .map_err(|error: jeton_core::AppKeyError| AdminError::Member(format!("app_key: {error}")))?;
    let admin_user = members.get("admin_user").map(user_id_of).transpose()?.flatten().unwrap_or(ADMIN_USER);
    let (service, by, of_app) = (call.service.clone(), call.cause(), key.clone());
    let make = async move {
        let made = service.create_app(&of_app, admin_user, &by).await?;
        let (id, credentials) = made.ok_or(AdminError::AppExists)?;
        Ok((id.get(), created(&of_app, wire::app_credentials(&credentials))))
    };
    once(call, make, async |id| {
        let app = call.service.app(&key).await?.filter(|app| app.id.get() == id).ok_or(AdminError::Gone)?;
        Ok(created(&key, wire::app_without_secrets(&app)))
    })
    .await
}

fn created(key: &AppKey, shown: String) -> Response {
    let mut response = json(StatusCode::CREATED, shown);
    locate(&mut response, &format!("/admin/v1/apps/{key}"));
    response
}

pub(super) async fn show(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    call.query(&[])?;
    Ok(json(StatusCode::OK, wire::app(&find(call, app).await?)))
}

pub(super) async fn delete(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    call.nothing()?;
    if call.service.delete_app(&app_key(app)?, &call.cause()).await? {
        Ok(done())
    } else {
        Err(AdminError::NoSuchApp)
    }
}

pub(super) async fn settings(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    call.query(&[])?;
    Ok(settings_of(&find(call, app).await?))
}

pub(super) async fn change_settings(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    let patch = call.json()?;
    let expected = Expected::of(call.headers);
    let is_expected = |version| expected.meets(version);
    let key = app_key(app)?;
    match call.service.merge_settings_if(&key, &patch, is_expected, &call.cause()).await? {
        Merged::Done(app) => Ok(settings_of(&app)),
        Merged::NoApp => Err(AdminError::NoSuchApp),
        Merged::Stale => Err(AdminError::Stale),
        Merged::Refused(error) => Err(AdminError::Settings(error)),
    }
}

/// For how long the secret of before is good beside the new one, if the body says so.
pub(super) fn grace(call: &Call<'_>) -> Result<Option<Duration>, AdminError> {
    match call.optional_members(&["grace_seconds"])?.integer("grace_seconds")? {
        None | Some(0) => Ok(None),
        Some(seconds) => {
            let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_GRACE.as_secs());
            let wanted = || misfit("grace_seconds", &format!("is 0 to {}", MAX_GRACE.as_secs()));
            Ok(Some(Duration::from_secs(seconds.ok_or_else(wanted)?)))
        }
    }
}

/// The body may say for how long the secret of before is good beside the new one.
pub(super) async fn rotate_secret(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    let grace = grace(call)?;
    let key = app_key(app)?;
    let rotated = call.service.rotate_client_secret(&key, grace, &call.cause()).await?;
    let (client_id, client_secret) = rotated.ok_or(AdminError::NoSuchApp)?;
    Ok(json(StatusCode::OK, wire::client_credentials(&key, &client_id, &client_secret)))
}

/// Suspends an app, or resumes it.
pub(super) async fn suspend(call: &Call<'_>, app: &str, is_suspended: bool) -> Result<Response, AdminError> {
    call.nothing()?;
    let changed = call.service.suspend_app(&app_key(app)?, is_suspended, &call.cause()).await?;
    Ok(json(StatusCode::OK, wire::app(&changed.ok_or(AdminError::NoSuchApp)?)))
}

/// Says where something is that was made.
pub(super) fn locate(response: &mut Response, path: &str) {
    let place = HeaderValue::try_from(path).unwrap_or_else(|_| unreachable!("keys and numbers are ASCII"));
    response.headers_mut().insert(LOCATION, place);
}

async fn find(call: &Call<'_>, app: &str) -> Result<AppSummary, AdminError> {
    call.service.app(&app_key(app)?).await?.ok_or(AdminError::NoSuchApp)
}

fn settings_of(app: &AppSummary) -> Response {
    let mut response = json(StatusCode::OK, wire::settings(app));
    let tag = HeaderValue::try_from(tag(app.version));
    let tag = tag.unwrap_or_else(|_| unreachable!("numbers are ASCII"));
    response.headers_mut().insert(ETAG, tag);
    response
}

fn tag(version: AppVersion) -> String {
    format!("\"{version}\"")
}

/// What `If-Match` says (RFC 9110 section 13.1.1). Without it anything is expected.
pub(super) struct Expected(Option<Vec<String>>);

impl Expected {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&[u8]> = headers.named(&IF_MATCH).filter(|value| !value.is_empty()).collect();
        if values.is_empty() {
            return Expected(None);
        }
        let tags = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
        let tags = tags.map(|tag| String::from_utf8_lossy(tag.trim_ascii()).into_owned());
        Expected(Some(tags.collect()))
    }

    fn meets(&self, version: AppVersion) -> bool {
        self.has(&tag(version))
    }

    /// By the strong comparison: a weak tag meets nothing.
    pub(super) fn has(&self, tag: &str) -> bool {
        self.0.as_ref().is_none_or(|tags| tags.iter().any(|other| other == "*" || other == tag))
    }
}
