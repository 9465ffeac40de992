//! Callers that wait for their turn are checked again when it comes.

use crate::loopback::{LoopBackCaller, Presentation, Writer};
use crate::{Admission, Edit, Error, Issue, KeyRing, OpenApp, RequestedLifetime, Service, Surface};
use futures_util::FutureExt;
use jeton_core::{
    Authority, Cause, Lifetime, ManualClock, Owner, Scopes, Secret, Timestamp, Token, TokenId, TokenKind,
    TokenSpec,
};
use jeton_loopback::Value;
use jeton_store::SelfMadeLimit;
use jeton_store::write::ReplaceToken;
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use std::pin::pin;
use std::sync::Arc;
use tempfile::TempDir;

const EVERYTHING: Authority = Authority::Everything(Cause::CLI);

struct World {
    service: Service,
    app: Arc<OpenApp>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(2));
        let (key, user) = ("demo".parse().unwrap(), "1".parse().unwrap());
        Service::initialise(&*store, &ring, &clock, &*entropy, &key, user).await.unwrap().unwrap();
        let service = Service::open(store, &ring, Arc::new(clock), entropy).await.unwrap();
        let app = service.open_app(&key).await.unwrap().unwrap();
        World { service, app, _folder: folder }
    }

    async fn issue(&self, kind: TokenKind, days: u32) -> (TokenId, Secret) {
        let issue = Issue {
            lifetime: RequestedLifetime::Asked(Lifetime::days(days)),
            spec: TokenSpec::new(kind, Owner::Named("7".parse().unwrap()), Scopes::none()),
        };
        let issued = self.service.issue(&self.app, &EVERYTHING, issue).await.unwrap().unwrap();
        (issued.token.id, issued.secret)
    }
}

#[tokio::test]
async fn a_caller_that_lost_its_rights_meanwhile_changes_nothing() {
    let world = World::new().await;
    let World { service, app, .. } = &world;
    for is_revoked in [false, true] {
        let (row, id) = world.issue(TokenKind::Grant, 1).await;
        let before = service.store.token(app.id, row).await.unwrap().unwrap().token;
        let (caller, secret) = world.issue(TokenKind::Identity, 3).await;
        let admitted = service.admit(Surface::AppKey, Some(&app.key), Some(&secret), None).await.unwrap();
        let Admission::Admitted { authority, .. } = admitted else { panic!("{admitted:?}") };
        let presented = service.loopback_caller(app, Some(&secret), None).await.unwrap();
        let Presentation::Caller(speaker) = presented else { panic!("it has expired") };
        assert!(matches!(speaker, LoopBackCaller::Authenticated { .. }));
        let writer = Writer { caller: speaker, is_named: true, from: None };
        let edit = Edit { lifetime: Some(Lifetime::Millis(5000)), ..Edit::default() };
        let data = Value::Object(vec![("ttl".to_owned(), Value::Number(1e6))]);

        let locks =
            [service.locks.lock(("token", row)).await, service.locks.lock(("row", id.expose())).await];
        let mut update = pin!(service.update(app, &authority, row, None, &edit));
        let mut write = pin!(service.loopback_merge(app, &writer, id.expose(), &data));
        assert!(update.as_mut().now_or_never().is_none() && write.as_mut().now_or_never().is_none());
        if is_revoked {
            service.revoke(app, &EVERYTHING, caller, None).await.unwrap().unwrap();
        } else {
            let stored = service.store.token(app.id, caller).await.unwrap().unwrap();
            let sooner =
                Token { expires_at: Some(service.now().saturating_add_millis(1000)), ..stored.token };
            service
                .store
                .write(ReplaceToken {
                    token: sooner,
                    expected: stored.revision,
                    self_made: SelfMadeLimit::NONE,
                    per_user: None,
                    takes_away: false,
                    by: Cause::CLI,
                })
                .await
                .unwrap();
        }
        drop(locks);
        let (updated, written) = (update.await, write.await);
        assert!(matches!(updated, Err(Error::Withdrawn)), "{updated:?}");
        if is_revoked {
            assert!(matches!(written, Err(Error::Withdrawn)), "{written:?}");
        } else {
            // It is written, but not extended as far as the writer could have before.
            assert!(written.unwrap().is_ok());
        }
        let after = service.store.token(app.id, row).await.unwrap().unwrap().token;
        assert_eq!(after.expires_at, before.expires_at);
        assert_eq!(after == before, is_revoked);
    }
}
