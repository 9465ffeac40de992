//! The rights of a stream's caller.

use crate::apps::OpenApp;
use crate::cache::Before;
use crate::loopback::caller::LoopBackCaller;
use crate::{Error, Service};
use jeton_core::{Timestamp, TokenId};
use jeton_loopback::Method;

/// A caller's rights, with the time of the check.
///
/// The stamps tell whether they may have changed since: the next event needs no new check if neither the
/// caller's token nor any app's settings were changed, and a change that was answered is noticed by the next
/// event.
#[derive(Debug, Default)]
pub(super) struct Rights {
    found: Option<(Before, Option<Timestamp>)>,
}

impl Rights {
    /// Whether the caller still may read the changes of an app's rows.
    pub(super) async fn hold(
        &mut self,
        service: &Service,
        app: &OpenApp,
        caller: &LoopBackCaller,
    ) -> Result<bool, Error> {
        if self.are_current(service, caller.token()) {
            return Ok(true);
        }
        let before = service.cache.before();
        let standing = service.loopback_standing(app, caller, Method::CreateChangeStream).await?;
        self.found = standing.map(|expires_at| (before, expires_at));
        Ok(standing.is_some())
    }

    fn are_current(&self, service: &Service, token: Option<TokenId>) -> bool {
        self.found.as_ref().is_some_and(|(before, expires_at)| {
            service.cache.is_unchanged(before, token)
                && expires_at.is_none_or(|expires_at| service.now() < expires_at)
        })
    }

    #[cfg(test)]
    pub(super) fn is_unknown(&self) -> bool {
        self.found.is_none()
    }

    /// When they expire.
    pub(super) fn expire_at(&self) -> Option<Timestamp> {
        self.found.as_ref().and_then(|(_, expires_at)| *expires_at)
    }
}
