//! Revoking a token.

use crate::open_app::OpenApp;
use crate::update::is_there;
use crate::{Error, Refusal, Service};
use jeton_core::{Authority, TokenId, UserId};
use jeton_store::write::RevokeToken;

impl Service {
    /// Revokes a token. When this returns, the token is no longer valid. `of_user`: only if the token shows
    /// this user.
    ///
    /// A caller that sees a token may revoke it, even if its rights exceed the caller's.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn revoke(
        &self,
        app: &OpenApp,
        authority: &Authority,
        id: TokenId,
        of_user: Option<&UserId>,
    ) -> Result<Result<(), Refusal>, Error> {
        let stored = self.store.token(app.id, id).await?;
        if !stored.is_some_and(|stored| is_there(&stored.token, authority, of_user)) {
            return Ok(Err(Refusal::NotFound));
        }
        let revoked = self
            .store
            .write(RevokeToken { app_id: app.id, id, at: self.now(), by: authority.cause() })
            .await?;
        Ok(if revoked { Ok(()) } else { Err(Refusal::NotFound) })
    }
}
