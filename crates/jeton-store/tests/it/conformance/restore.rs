//! A restore gives no rights back.

use super::backup::{back_up, restoring};
use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{
    Actor, AllowedAddresses, Bounds, Circumstances, Demand, Entropy, Lineage, Owner, Permission, Resource,
    Scope, Scopes, Token, TokenId, TokenKind, Verdict, decide,
};
use jeton_store::Progress;
use jeton_store::write::{CreateOperator, RevokeOperator};
use jeton_store::{
    App, AppChange, AppChanged, Credential, Inserted, NewClientSecret, NewToken, Replaced, Restore, Store,
    StoredToken,
};
use jeton_testkit::SeededEntropy;

const TOKENS: u32 = 240;

/// Draws what tokens are.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, sides: u8) -> u8 {
        let mut drawn = [0];
        self.0.fill(&mut drawn).unwrap();
        drawn[0] % sides
    }

    fn one_of<T: Clone>(&self, choices: &[T]) -> T {
        choices[usize::from(self.below(u8::try_from(choices.len()).unwrap()))].clone()
    }

    fn scopes(&self) -> Scopes {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let scope = |_| Scope {
            permissions: Permission::parse_list(self.one_of(&["", "r", "w", "r,w"])).unwrap(),
            global: self.below(3) == 0,
            ids: owned(self.one_of(&[&[][..], &["a"], &["b"], &["a", "b"]])),
            tags: owned(self.one_of(&[&[][..], &["t"], &["t", "u"]])),
        };
        Scopes::new((0..self.below(4)).map(scope).collect()).unwrap()
    }

    fn owner(&self) -> Owner {
        self.one_of(&[
            Owner::Nobody,
            Owner::Named(user("7")),
            Owner::Named(user("8")),
            Owner::StandIn(user("7")),
        ])
    }

    fn bounds(&self) -> Bounds {
        let blocks = self.one_of(&[&[][..], &["192.0.2.0/29"], &["192.0.2.8/29"], &["192.0.2.0/24"]]);
        let allowed_addresses = AllowedAddresses::parse(blocks.iter().copied()).unwrap();
        Bounds { not_before: self.one_of(&[None, Some(at(6)), Some(at(11))]), allowed_addresses }
    }

    fn kind(&self) -> TokenKind {
        self.one_of(&TokenKind::ALL)
    }

    fn new_token(&self, number: u32) -> NewToken {
        NewToken {
            expires_at: self.one_of(&[None, Some(at(10)), Some(at(20))]),
            disabled_by: self.one_of(&[None, None, Some(Actor::Client), Some(Actor::Cli)]),
            ..new_token(number).with(|token| {
                token.spec.kind = self.kind();
                token.spec.owner = self.owner();
                token.spec.scopes = self.scopes();
                token.spec.bounds = self.bounds();
            })
        }
    }

    /// The token as somebody has changed it, in one or two ways.
    fn changed(&self, mut token: Token) -> Token {
        for _ in 0..=self.below(2) {
            match self.below(7) {
                0 => token.spec.kind = self.kind(),
                1 => token.spec.owner = self.owner(),
                2 => token.expires_at = self.one_of(&[None, Some(at(5)), Some(at(15)), Some(at(25))]),
                3 => token.disabled_by = self.one_of(&[None, Some(Actor::Client), Some(Actor::Cli)]),
                4 => token.left_loopback = true,
                5 => token.spec.bounds = self.bounds(),
                _ => token.spec.scopes = self.scopes(),
            }
        }
        token
    }
}

fn demands() -> Vec<Demand> {
    let mut demands = vec![Demand::Active];
    for permission in Permission::parse_list("r,w").unwrap() {
        demands.push(Demand::Permission { permission: permission.clone(), resource: None });
        for id in [None, Some("a"), Some("b")] {
            for tags in [&[][..], &["t"], &["t", "u"]] {
                let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
                let resource = Some(Resource { id: id.map(str::to_owned), tags });
                demands.push(Demand::Permission { permission: permission.clone(), resource });
            }
        }
    }
    demands
}

/// What a token allows, of all demands at several instants.
fn allowed(token: Option<&StoredToken>) -> Vec<bool> {
    let is_allowed = |token: &'_ StoredToken, demand: &Demand, seconds, last| {
        let address = Some([192, 0, 2, last].into());
        let circumstances = Circumstances { address, ..Circumstances::at(at(seconds)) };
        decide(token.token.standing(), demand, circumstances) == Verdict::Allowed
    };
    let mut allowed = Vec::new();
    for demand in demands() {
        for seconds in [1, 7, 12, 17, 22, 30] {
            for last in [1, 9] {
                allowed.push(token.is_some_and(|token| is_allowed(token, &demand, seconds, last)));
            }
        }
    }
    allowed
}

/// Inserts all tokens, of which some of the later ones were made by earlier ones.
async fn insert_all(store: &dyn Store, demo: &App, dice: &Dice) {
    let mut made: Vec<(TokenId, Lineage)> = Vec::new();
    for numbers in (0..TOKENS).collect::<Vec<_>>().chunks(TOKENS as usize / 3) {
        let token = |number: &u32| {
            dice.new_token(*number).with(|token| {
                if let (Some((parent, above)), true) = (made.get(*number as usize / 2), dice.below(3) > 0) {
                    let ids = above.ids().iter().chain([parent]).copied().collect();
                    token.spec.lineage = Lineage::new(ids).unwrap();
                }
            })
        };
        let tokens: Vec<NewToken> = numbers.iter().map(token).collect();
        let lineages: Vec<Lineage> = tokens.iter().map(|token| token.spec.lineage.clone()).collect();
        let inserted = store.write(inserting(demo.id, tokens, at(0))).await.unwrap();
        let ids = inserted.into_iter().map(|inserted| match inserted {
            Inserted::Issued(id) => id,
            other => panic!("{other:?}"),
        });
        made.extend(ids.zip(lineages));
    }
    assert!(made.iter().any(|(_, lineage)| lineage.ids().len() == 2));
}

async fn found(store: &dyn Store) -> Vec<Option<StoredToken>> {
    let mut found = Vec::new();
    for number in 0..TOKENS {
        found.push(find(store, number).await);
    }
    found
}

fn assert_no_wider(before: Option<&StoredToken>, after: Option<&StoredToken>) {
    for (before_allows, after_allows) in allowed(before).into_iter().zip(allowed(after)) {
        assert!(!after_allows || before_allows, "\nbefore: {before:?}\nafter: {after:?}");
    }
    let (Some(before), Some(after)) = (before, after) else { return };
    let (before, after) = (&before.token, &after.token);
    if after.revoked_at.is_some() {
        return;
    }
    assert_eq!(before.spec.kind, after.spec.kind);
    assert!(
        after.spec.owner.named().is_none() || after.spec.owner.named() == before.spec.owner.named(),
        "{before:?} {after:?}"
    );
    assert!(after.left_loopback || !before.left_loopback);
    assert!(before.disabled_by.is_none() || before.disabled_by == after.disabled_by);
}

/// Whatever was done to a token since, it allows no more after a restore than before it.
pub(crate) async fn no_token_allows_more_than_before(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let dice = Dice(SeededEntropy::new(14));
    insert_all(store, &demo, &dice).await;
    let (_folder, path, _) = back_up(store).await;
    for number in 0..TOKENS {
        let stored = find(store, number).await.unwrap();
        match dice.below(8) {
            0 => assert!(store.write(revoking(demo.id, stored.token.id, at(2))).await.unwrap()),
            1 => assert!(store.write(deleting(demo.id, stored.token.id, at(2))).await.unwrap()),
            2 => {}
            _ => {
                let changed = dice.changed(stored.token);
                assert_eq!(store.write(replacing(changed, stored.revision)).await.unwrap(), Replaced::Done);
            }
        }
    }
    let before = found(store).await;
    let restored = store.write(restoring(&path)).await.unwrap();
    let after = found(store).await;
    for (before, after) in before.iter().zip(&after) {
        assert_no_wider(before.as_ref(), after.as_ref());
    }
    let counts = [
        restored.left_out,
        restored.kept_revoked,
        restored.kept_disabled,
        restored.kept_ended,
        restored.kept_beginnings,
        restored.kept_addresses,
        restored.kept_narrowed,
        restored.kept_kinds,
        restored.kept_users,
        restored.kept_off_loopback,
    ];
    assert!(counts.iter().all(|count| *count > 0), "{restored:?}");
    assert_eq!((restored.unknown_tokens, restored.unknown_apps), (0, 0));
    // The same again: nothing is left to keep.
    let (_folder, path, _) = back_up(store).await;
    let again = store.write(restoring(&path)).await.unwrap();
    assert_eq!((again.kept_beginnings, again.kept_addresses), (0, 0));
    assert_eq!((again.kept_narrowed, again.kept_ended, again.kept_kinds, again.kept_users), (0, 0, 0, 0));
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

/// By name, everything is as the backup has it.
pub(crate) async fn a_restore_as_of_the_backup_keeps_nothing(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let dice = Dice(SeededEntropy::new(15));
    insert_all(store, &demo, &dice).await;
    let backed_up = found(store).await;
    let (_folder, path, _) = back_up(store).await;
    for number in 0..TOKENS {
        let stored = find(store, number).await.unwrap();
        let changed = dice.changed(stored.token);
        store.write(replacing(changed, stored.revision)).await.unwrap();
    }
    store.write(Restore { keeps_removed: false, ..restoring(&path) }).await.unwrap();
    let plain = |found: Vec<Option<StoredToken>>| -> Vec<Token> {
        found.into_iter().map(|stored| stored.unwrap().token).collect()
    };
    assert_eq!(plain(found(store).await), plain(backed_up));
}

/// Settings, client secrets and data keys are those of now.
pub(crate) async fn what_an_app_refuses_stays_refused(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let shop = create_app(store, "shop").await;
    issue(store, demo.id, new_token(1)).await;
    issue(store, shop.id, new_token(2)).await;
    let operator =
        store.write(CreateOperator { operator: new_operator(5_000), by: BY }).await.unwrap().unwrap();
    let (_folder, path, _) = back_up(store).await;
    let change = AppChange {
        settings: Some(r#"{"reveal":"once"}"#.to_owned()),
        client_secret: Some(NewClientSecret::alone(1, digest(77))),
        data_key: Some(None),
        suspends: None,
    };
    let changed = store.write(changing(demo.id, demo.revision, change, at(5))).await.unwrap();
    assert!(matches!(changed, AppChanged::Changed(_)), "{changed:?}");
    assert!(store.write(RevokeOperator { id: operator, at: at(6), by: BY }).await.unwrap());

    let restored = store.write(restoring(&path)).await.unwrap();
    let kept = (restored.kept_settings, restored.kept_client_secrets, restored.kept_revoked_operators);
    assert_eq!(kept, (1, 1, 1));
    let app = store.default_app().await.unwrap().unwrap();
    assert_eq!(
        (app.settings.as_str(), &app.client_secrets[..]),
        (r#"{"reveal":"once"}"#, &[Credential::lasting(digest(77))][..])
    );
    assert_eq!(app.data_key, None);
    assert_eq!(find(store, 1).await.unwrap().sealed, None, "its key was destroyed");
    let other = store.app_by_key(&"shop".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((other.settings, other.data_key), (shop.settings, shop.data_key));
    assert!(find(store, 2).await.unwrap().sealed.is_some());

    let restored = store.write(Restore { keeps_removed: false, ..restoring(&path) }).await.unwrap();
    assert_eq!((restored.kept_settings, restored.kept_client_secrets), (0, 0));
    let app = store.default_app().await.unwrap().unwrap();
    assert_eq!(
        (app.settings, app.client_secrets, app.data_key),
        (demo.settings, demo.client_secrets, demo.data_key)
    );
    assert!(find(store, 1).await.unwrap().sealed.is_some());
}

/// The fate of what the database never knew is unknown: it is counted.
pub(crate) async fn what_was_never_known_is_counted(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    issue(store, demo.id, new_token(1)).await;
    let (_folder, early, _) = back_up(store).await;
    issue(store, demo.id, new_token(2)).await;
    create_app(store, "shop").await;
    let (_folder, late, _) = back_up(store).await;
    for other in database.each_engine().await {
        let first = other.store.write(restoring(&early)).await.unwrap();
        assert_eq!((first.unknown_tokens, first.unknown_apps), (0, 0), "nothing was there");
        let second = other.store.write(restoring(&late)).await.unwrap();
        assert_eq!((second.unknown_tokens, second.unknown_apps), (1, 1));
        assert!(find(&*other.store, 2).await.is_some());
    }
}
