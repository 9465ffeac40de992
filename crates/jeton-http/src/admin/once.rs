//! `Idempotency-Key`: what is made once, however often it is asked for.

use super::call::Call;
use super::error::AdminError;
use crate::server::Headers;
use crate::transport::fault::Fault;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use jeton_service::{Error, Once};

pub(super) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Most bytes of a key.
pub(super) const MAX_KEY_BYTES: usize = 255;

/// What was made: its number, and the answer that tells of it.
pub(super) type Made = Result<(i64, Response), AdminError>;

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&[u8]>, AdminError> {
    let mut keys = headers.named(&IDEMPOTENCY_KEY).filter(|key| !key.is_empty());
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) if key.len() <= MAX_KEY_BYTES && key.iter().all(u8::is_ascii_graphic) => {
            Ok(Some(key))
        }
        (Some(_), _) => Err(AdminError::IdempotencyKey),
    }
}

/// Makes something, or answers what was made under the same key before, by `again`, which shows no secret.
///
/// What is made is made to its end, and noted, also if the client goes away: it comes back with its key.
pub(super) async fn once(
    call: &Call<'_>,
    make: impl Future<Output = Made> + Send + 'static,
    again: impl AsyncFnOnce(i64) -> Result<Response, AdminError>,
) -> Result<Response, AdminError> {
    let Some(key) = key(call.headers)? else { return Ok(make.await?.1) };
    let request = [call.path.as_bytes(), &*call.body];
    match call.service.begin_once(call.operator, key, &request).await? {
        Once::First(key) => {
            let service = call.service.clone();
            let made = tokio::spawn(async move {
                let made = make.await;
                let subject_id = match &made {
                    Ok((subject_id, _)) => Some(*subject_id),
                    // Nobody knows whether it was made: the key stays as it is.
                    Err(AdminError::Fault(Fault::Unavailable(_))) => return made,
                    Err(_) => None,
                };
                if let Err(error) = service.end_once(&key, subject_id).await {
                    tracing::warn!("what was made under an idempotency key was not noted: {error}");
                }
                made
            });
            Ok(made.await.map_err(|_| AdminError::from(Error::Failed))??.1)
        }
        Once::Done(subject_id) => {
            let mut response = again(subject_id).await?;
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Once::Unknown => Err(AdminError::IdempotencyUnknown),
        Once::Other => Err(AdminError::IdempotencyReused),
        Once::NoRoom => Err(AdminError::IdempotencyNoRoom),
    }
}
