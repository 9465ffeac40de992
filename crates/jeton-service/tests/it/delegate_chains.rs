//! Whatever is done to tokens, and by them: none allows, at any instant, what one above it does not.

use crate::fixture::*;
use jeton_core::{
    AllowedAddresses, Cause, Circumstances, Demand, Lifetime, Lineage, Permission, Resource, Scope, Scopes,
    Secret, Timestamp, Token, TokenId, Verdict, decide,
};
use jeton_service::{ChildDraft, DelegatorAdmission, Edit, ImportRow, Issue, Issued, OpenApp, ScopeDraft};
use jeton_store::write::DeleteToken;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use std::net::IpAddr;
use std::time::Duration;

const BLOCKS: [&str; 3] = ["192.0.2.0/24", "192.0.2.7", "10.0.0.0/8"];
const CLIENTS: [Option<[u8; 4]>; 3] = [None, Some([192, 0, 2, 7]), Some([10, 0, 0, 1])];
/// From now on, in milliseconds: each later than what the deeds below make end or begin.
const INSTANTS: [i64; 5] = [0, 401, 901, 2_001, 60_000];

/// What somebody does. A token is named by its place among those that there are.
#[derive(Clone, Debug)]
enum Deed {
    Delegate {
        from: usize,
        scopes: Option<usize>,
        lives: Option<i64>,
        block: Option<usize>,
    },
    Rotate {
        of: usize,
        grace: Option<u64>,
    },
    Update {
        of: usize,
        to: Change,
    },
    /// Another token by the secret of one that there was.
    Import {
        of: usize,
    },
    Delete {
        of: usize,
    },
    Revoke {
        of: usize,
    },
    Wait {
        millis: i64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Scopes(usize),
    Enabled(bool),
    Lives(Option<i64>),
    Begins(Option<i64>),
    Block(Option<usize>),
}

/// Some of which lie within others.
fn scopes(number: usize) -> Vec<ScopeDraft> {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (names, ids, tags): (&[&str], &[&str], &[&str]) = [
        (&["read", "write", "delegate"][..], &[][..], &[][..]),
        (&["read", "delegate"], &[], &[]),
        (&["read"], &["s1", "s2"], &["t"]),
        (&["read", "write"], &["s1"], &[]),
        (&["delegate"], &[], &[]),
    ][number];
    let narrow = ScopeDraft {
        permissions: texts(names),
        global: ids.is_empty() && tags.is_empty(),
        ids: texts(ids),
        tags: texts(tags),
    };
    vec![narrow]
}

const KINDS_OF_SCOPES: usize = 5;

fn read_scopes(number: usize) -> Scopes {
    let scope = |draft: ScopeDraft| Scope {
        permissions: draft.permissions.iter().map(|name| name.parse().unwrap()).collect(),
        global: draft.global,
        ids: draft.ids,
        tags: draft.tags,
    };
    Scopes::new(scopes(number).into_iter().map(scope).collect()).unwrap()
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let place = 0..8_usize;
    let lives = || prop::option::weighted(0.6, prop::sample::select(&[400_i64, 900, 2_000][..]));
    let change = prop_oneof![
        3 => (0..KINDS_OF_SCOPES).prop_map(Change::Scopes),
        2 => any::<bool>().prop_map(Change::Enabled),
        2 => lives().prop_map(Change::Lives),
        1 => lives().prop_map(Change::Begins),
        2 => prop::option::of(0..BLOCKS.len()).prop_map(Change::Block),
    ];
    let delegate = (
        place.clone(),
        prop::option::of(0..KINDS_OF_SCOPES),
        lives(),
        prop::option::weighted(0.2, 0..BLOCKS.len()),
    );
    let deed = prop_oneof![
        6 => delegate.prop_map(|(from, scopes, lives, block)| Deed::Delegate { from, scopes, lives, block }),
        2 => (place.clone(), prop::option::of(prop::sample::select(&[400_u64, 900][..])))
            .prop_map(|(of, grace)| Deed::Rotate { of, grace }),
        4 => (place.clone(), change).prop_map(|(of, to)| Deed::Update { of, to }),
        1 => place.clone().prop_map(|of| Deed::Import { of }),
        1 => place.clone().prop_map(|of| Deed::Delete { of }),
        1 => place.prop_map(|of| Deed::Revoke { of }),
        2 => prop::sample::select(&[1_i64, 400, 900][..]).prop_map(|millis| Deed::Wait { millis }),
    ];
    prop::collection::vec(deed, 1..16)
}

/// What is left of a token.
struct Held {
    id: TokenId,
    /// Its present secret, and those before.
    secrets: Vec<String>,
}

struct Chains {
    world: World,
    app: OpenApp,
    held: Vec<Held>,
}

impl Chains {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.demo().await;
        let mut chains = Chains { world, app, held: Vec::new() };
        for scopes in [0, 1] {
            let root =
                chains.world.issue(grant("").with(|token| token.spec.scopes = read_scopes(scopes))).await;
            chains.keep(&root);
        }
        chains
    }

    fn keep(&mut self, made: &Issued) {
        self.held.push(Held { id: made.token.id, secrets: vec![made.secret.expose().to_owned()] });
    }

    async fn update(&self, id: TokenId, edit: &Edit) {
        // What there is no more is not changed.
        drop(self.world.service.update(&self.app, &EVERYTHING, id, None, edit).await.unwrap());
    }

    async fn delegate(&mut self, from: usize, draft: ChildDraft) {
        let (key, secret) = (self.app.key.clone(), secret(&self.held[from].secrets[0]));
        let service = &self.world.service;
        let client = Some(IpAddr::from([192, 0, 2, 7]));
        let admitted = service.admit_delegator(Some(&key), Some(&secret), client).await.unwrap();
        let DelegatorAdmission::Admitted(delegator) = admitted else { return };
        if let Ok(made) = service.delegate(&delegator, draft).await.unwrap() {
            self.keep(&made);
        }
    }

    async fn perform(&mut self, deed: &Deed) {
        let (app, service, now) = (&self.app, &self.world.service, self.world.service.now());
        let count = self.held.len();
        match *deed {
            Deed::Delegate { from, scopes: number, lives, block } => {
                let draft = ChildDraft {
                    title: None,
                    scopes: number.map(scopes),
                    lifetime: lives.map(Lifetime::Millis),
                    allowed_addresses: block.map(|block| BLOCKS[block].to_owned()).into_iter().collect(),
                    ..ChildDraft::default()
                };
                self.delegate(from % count, draft).await;
            }
            Deed::Rotate { of, grace } => {
                let id = self.held[of % count].id;
                let grace = grace.map(Duration::from_millis);
                if let Ok(made) = service.rotate(app, &EVERYTHING, id, None, grace).await.unwrap() {
                    self.held[of % count].secrets.insert(0, made.secret.expose().to_owned());
                }
            }
            Deed::Update { of, to } => {
                let mut edit = Edit::default();
                match to {
                    Change::Scopes(number) => edit.scopes = Some(read_scopes(number)),
                    Change::Enabled(enabled) => edit.enabled = Some(enabled),
                    Change::Lives(lives) => {
                        edit.lifetime = Some(lives.map_or(Lifetime::Unlimited, Lifetime::Millis));
                    }
                    Change::Begins(begins) => {
                        edit.not_before = Some(begins.map(|millis| now.saturating_add_millis(millis)));
                    }
                    Change::Block(block) => {
                        let list = AllowedAddresses::parse(block.map(|block| BLOCKS[block]));
                        edit.allowed_addresses = Some(list.unwrap());
                    }
                }
                self.update(self.held[of % count].id, &edit).await;
            }
            Deed::Import { of } => {
                let text = self.held[of % count].secrets[0].clone();
                let issue = Issue { ..grant("read,write,delegate") };
                let row = ImportRow {
                    secret: secret(&text).into(),
                    issue,
                    created_at: None,
                    expires_at: None,
                    enabled: true,
                };
                service.import(app, vec![row], false, &Cause::CLI).await.unwrap();
            }
            Deed::Delete { of } => {
                let id = self.held[of % count].id;
                let delete = DeleteToken { app_id: app.id, id, at: now, by: Cause::CLI };
                self.world.store.write(delete).await.unwrap();
            }
            Deed::Revoke { of } => {
                // It may be revoked already.
                let _ = service.revoke(app, &EVERYTHING, self.held[of % count].id, None).await.unwrap();
            }
            Deed::Wait { millis } => self.world.clock.advance_millis(millis),
        }
    }

    /// A token as it is stored; `None`: it is good for nothing.
    async fn stored(&self, id: TokenId) -> Option<Token> {
        self.world.store.token(self.app.id, id).await.unwrap().map(|stored| stored.token)
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        let now = self.world.service.now();
        for held in &self.held {
            let Some(token) = self.stored(held.id).await else { continue };
            self.check_chain(&token, now).await?;
        }
        // What presents itself is what is stored: by whatever secret, of whatever token that is now.
        for text in self.held.iter().flat_map(|held| &held.secrets) {
            self.check_answers(&secret(text), now).await?;
        }
        Ok(())
    }

    /// None above it refuses what it allows.
    async fn check_chain(&self, token: &Token, now: Timestamp) -> Result<(), TestCaseError> {
        for above in token.spec.lineage.ids() {
            let above = self.stored(*above).await;
            for (demand, circumstances) in questions(now) {
                if decide(token.standing(), &demand, circumstances) == Verdict::Allowed {
                    let allows =
                        |above: &Token| decide(above.standing(), &demand, circumstances) == Verdict::Allowed;
                    prop_assert!(
                        above.as_ref().is_some_and(allows),
                        "{:?} allows {:?}, and not {:?}",
                        token.id,
                        demand,
                        above
                    );
                }
            }
        }
        Ok(())
    }

    async fn check_answers(&self, secret: &Secret, now: Timestamp) -> Result<(), TestCaseError> {
        for (demand, circumstances) in questions(now).into_iter().filter(|(_, at)| at.now == now) {
            let from = circumstances.address;
            let verified = self.world.service.verify(&self.app.key, secret, &demand, from).await.unwrap();
            let Some(cached) = verified.cached.filter(|_| verified.verdict == Verdict::Allowed) else {
                continue;
            };
            let token = self.stored(cached.token_id()).await;
            let lineage = token.as_ref().map_or(Lineage::NONE, |token| token.spec.lineage.clone());
            for id in lineage.ids().iter().copied().chain([cached.token_id()]) {
                let token = self.stored(id).await;
                let verdict = token.map(|token| decide(token.standing(), &demand, circumstances));
                prop_assert_eq!(verdict, Some(Verdict::Allowed), "{:?} of {:?}", demand, id);
            }
        }
        Ok(())
    }
}

fn questions(now: Timestamp) -> Vec<(Demand, Circumstances<'static>)> {
    let permission = |name: &str, id: Option<&str>, tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let permission: Permission = name.parse().unwrap();
        Demand::Permission { permission, resource: Resource::named(id.map(str::to_owned), tags) }
    };
    let demands = [
        Demand::Active,
        permission("read", None, &[]),
        permission("read", Some("s1"), &[]),
        permission("write", Some("s1"), &[]),
        permission("read", None, &["t"]),
        permission("delegate", None, &[]),
    ];
    let mut questions = Vec::new();
    for demand in demands {
        for client in CLIENTS {
            for millis in INSTANTS {
                let at = now.saturating_add_millis(millis);
                let circumstances =
                    Circumstances { address: client.map(IpAddr::from), ..Circumstances::at(at) };
                questions.push((demand.clone(), circumstances));
            }
        }
    }
    questions
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn no_token_allows_what_one_above_it_does_not(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut chains = Chains::new().await;
            for deed in &deeds {
                chains.perform(deed).await;
                chains.check().await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
