//! Admission of an app by its client credentials.

use crate::admit::Surface;
use crate::limiter::{Purpose, TooOften};
use crate::open_app::OpenApp;
use crate::{Error, Service};
use jeton_core::{Actor, AppKey, Authority, Cause, Digest, Secret};
use jeton_store::{App, Credential, DigestPlace};
use std::net::IpAddr;
use std::sync::Arc;

/// Client credentials as presented.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: Secret,
}

impl Service {
    /// The app with this key, if these are its client credentials and it is enabled on this surface.
    ///
    /// Every failure is the same `None` and takes the same work, whatever is missing, so a caller cannot
    /// learn whether an app exists. Once too many attempts from the address `from` have failed, only secrets
    /// that were minted here are looked up.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit_client(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
        presented: Option<&ClientCredentials>,
        from: Option<IpAddr>,
    ) -> Result<Option<(Arc<OpenApp>, Authority)>, Error> {
        let app = self.client_app(key, presented, from, 1).await?.ok().flatten();
        let by = Cause::new(Actor::Client, from);
        let authority = Authority::Manager { by, stand_in: None, ends_at: None };
        Ok(app.filter(|app| surface.is_enabled(&app.settings)).map(|app| (app, authority)))
    }

    /// The app with this key, if these are its client credentials; `None` after the same work in every other
    /// case: two comparisons with a digest, one of them with the cached one, and one look-up in the store
    /// between them, which does not depend on the app. So the cache serves only valid credentials, and
    /// guesses are not looked up once too many have failed. A failure counts once for each of the questions
    /// in the request.
    pub(crate) async fn client_app(
        &self,
        key: Option<&AppKey>,
        presented: Option<&ClientCredentials>,
        from: Option<IpAddr>,
        questions: u64,
    ) -> Result<Result<Option<Arc<OpenApp>>, TooOften>, Error> {
        let nobody: AppKey = "0".parse().unwrap_or_else(|_| unreachable!("0 is an app key"));
        let sought = key.unwrap_or(&nobody);
        let remembered = self.cache.recall_opened(Some(sought));
        let proof = remembered.as_ref().map(|app| (app.client_id.as_str(), app.client_secrets.as_slice()));
        if self.is_client(proof, presented) && key.is_some() {
            return Ok(Ok(remembered.filter(|app| !app.settings.common.suspended)));
        }
        let failures = self.failures(Purpose::Failures, from, key);
        if let Err(often) = self.may_look_up(failures, presented.map(|credentials| &credentials.secret)) {
            return Ok(Err(often));
        }
        let found = self.store.client_of(sought).await?;
        let proof = found.as_ref().map(|client| (client.id.as_str(), client.secrets.as_slice()));
        if self.is_client(proof, presented) && key.is_some() {
            let before = self.cache.before();
            let app = self.store.app_by_key(sought).await?;
            // Its secret may have been changed since.
            let app = app
                .filter(|app| self.is_client(Some((app.client_id.as_str(), &app.client_secrets)), presented));
            if let (Some(app), Some(presented)) = (&app, presented) {
                self.note_client_use(app, &presented.secret);
            }
            let app = app.map(|app| self.open_found(before, key, &app)).transpose()?;
            return Ok(Ok(app.filter(|app| !app.settings.common.suspended)));
        }
        if presented.is_some() && self.keys.load().lacks_any() {
            return Err(Error::KeyMissing);
        }
        if presented.is_some() {
            self.count_failures(failures, questions);
        }
        Ok(Ok(None))
    }

    /// Notes that a client secret is known, by which the current key can make its digest.
    fn note_client_use(&self, app: &App, secret: &Secret) {
        let keys = self.keys.share();
        let digests = keys.client_digests(secret);
        let used = app.client_secrets.iter().position(|stored| digests.contains(&stored.digest));
        if let Some((at, stored)) = used.and_then(|at| Some((at, app.client_secrets.get(at)?))) {
            let place = if at == 0 { DigestPlace::Client(app.id) } else { DigestPlace::OldClient(app.id) };
            self.rekeying.note_use(&keys, place, stored.digest, || digests[0]);
        }
    }

    /// Whether these are the client credentials of an app, after the same work if they or the app are not
    /// there: one comparison, and one more for each secret that the app has had.
    fn is_client(
        &self,
        of_app: Option<(&str, &[Credential])>,
        presented: Option<&ClientCredentials>,
    ) -> bool {
        let (now, placeholder) = (self.now(), placeholder());
        let secret = presented.map_or(&placeholder, |credentials| &credentials.secret);
        let keys = self.keys.load();
        let stored = of_app.map_or(&[NO_SECRET] as &[Credential], |(_, secrets)| secrets);
        let is_secret = stored.iter().fold(false, |found, stored| {
            let is_it = keys.is_client_secret(secret, &stored.digest);
            found | (is_it && !stored.is_early(now) && !stored.is_over(now))
        });
        match (of_app, presented) {
            (Some((client_id, _)), Some(credentials)) => is_secret && client_id == credentials.id,
            _ => false,
        }
    }
}

/// What no secret has as its digest, as far as anybody can find out.
const NO_SECRET: Credential = Credential::lasting(Digest::ZERO);

fn placeholder() -> Secret {
    Secret::parse("none").unwrap_or_else(|_| unreachable!("four bytes are within the bounds of a secret"))
}
