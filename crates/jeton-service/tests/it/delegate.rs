//! Delegation at scale, and on several servers.

use crate::fixture::*;
use jeton_core::{
    AuthorityRefusal, Cause, ChangeKind, Demand, Digest, InactiveReason, Lifetime, Lineage, Token, TokenId,
    Verdict,
};
use jeton_service::{ChildDraft, DelegateRefusal, Delegator, DelegatorAdmission, Issued, Retention};
use jeton_store::write::{DeleteToken, InsertTokens};
use jeton_store::{Inserted, NewToken, SelfMadeLimit};

const REVOKED: Verdict = Verdict::Inactive(InactiveReason::Revoked);
/// Children of one token.
const CHILDREN: usize = 10_000;

async fn delegator(world: &World, parent: &Issued) -> Delegator {
    let key = "demo".parse().unwrap();
    match world.service.admit_delegator(Some(&key), Some(&parent.secret), None).await.unwrap() {
        DelegatorAdmission::Admitted(delegator) => delegator,
        other => panic!("{other:?}"),
    }
}

async fn child(world: &World, parent: &Issued) -> Issued {
    let delegator = delegator(world, parent).await;
    world.service.delegate(&delegator, ChildDraft::default()).await.unwrap().unwrap()
}

/// Rows as those of children, made without going through the service one by one.
async fn insert_children(world: &World, parent: &Token, like: &Token, count: usize) -> Vec<TokenId> {
    let digest = |number: usize| {
        let mut bytes = [0xC4; 32];
        bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
        Digest::from_bytes(&bytes).unwrap()
    };
    let tokens = (0..count).map(|number| NewToken {
        digest: digest(number),
        digest_key_id: 1,
        older_digests: Vec::new(),
        is_foreign: false,
        sealed: None,
        spec: like.spec.clone(),
        created_at: parent.created_at,
        expires_at: None,
        disabled_by: None,
    });
    let insert = InsertTokens {
        app_id: parent.app_id,
        tokens: tokens.collect(),
        self_made: SelfMadeLimit::NONE,
        per_user: None,
        sealed_under: None,
        at: parent.created_at,
        by: Cause::CLI,
    };
    let inserted = world.store.write(insert).await.unwrap();
    let id = |inserted: Inserted| match inserted {
        Inserted::Issued(id) => id,
        other => panic!("{other:?}"),
    };
    inserted.into_iter().map(id).collect()
}

#[tokio::test]
async fn a_token_with_many_children_is_revoked_by_one_change() {
    let world = World::new().await;
    let parent = world.issue(grant("read,delegate")).await;
    let mut known = Vec::new();
    for _ in 0..20 {
        known.push(child(&world, &parent).await);
    }
    let ids = insert_children(&world, &parent, &known[0].token, CHILDREN).await;
    assert_eq!(ids.len(), CHILDREN);
    for child in &known {
        assert_eq!(world.verdict(&child.secret).await, Verdict::Allowed);
    }
    world.revoke(parent.id).await;
    for child in &known {
        assert_ne!(world.verdict(&child.secret).await, Verdict::Allowed);
    }
    let app = world.demo().await;
    for id in ids.iter().step_by(CHILDREN / 50) {
        let token = world.store.token(app.id, *id).await.unwrap().unwrap().token;
        assert_eq!(token.state(world.service.now()).name(), "revoked");
    }
    assert_eq!(world.changes(ChangeKind::TokenRevoked).await, 1, "of the parent alone");
}

#[tokio::test]
async fn what_a_dead_token_made_is_revoked_in_time() {
    let world = World::new().await;
    let [parent, doomed, live] = [0, 1, 2].map(|_| grant("read,delegate"));
    let (parent, doomed, live) =
        (world.issue(parent).await, world.issue(doomed).await, world.issue(live).await);
    let made = child(&world, &parent).await;
    let grandchild = child(&world, &made).await;
    let of_doomed = child(&world, &doomed).await;
    let of_live = child(&world, &live).await;
    world.revoke(parent.token.id).await;
    // Of what is deleted nothing is left.
    let (app_id, at) = (world.demo().await.id, world.service.now());
    let delete = DeleteToken { app_id, id: doomed.token.id, at, by: Cause::CLI };
    assert!(world.store.write(delete).await.unwrap());
    let orphans = async |after, limit| world.store.orphans(after, limit).await.unwrap();
    let all = orphans(None, 10).await;
    let expected = [&made, &grandchild, &of_doomed].map(|token| (app_id, token.token.id));
    assert_eq!((all.found.as_slice(), all.next), (&expected[..], None));
    let first = orphans(None, 1).await;
    assert_eq!((first.found.as_slice(), first.next.is_some()), (&expected[..1], true));
    // What made it is not revoked itself yet.
    assert_eq!(
        orphans(first.next, 1).await.found.as_slice(),
        [expected[2]],
        "in the order of what made them"
    );

    world.service.keep_once(Retention::default()).await.unwrap();
    assert_eq!(orphans(None, 10).await.found, []);
    for (token, verdict) in
        [(&made, REVOKED), (&grandchild, REVOKED), (&of_doomed, REVOKED), (&of_live, Verdict::Allowed)]
    {
        assert_eq!(world.verdict(&token.secret).await, verdict);
    }
    assert_eq!(world.changes(ChangeKind::TokenRevoked).await, 4, "each has its entry");
    let app = world.demo().await;
    // The two above, those that nobody revoked, and the first two.
    assert_eq!(world.count(&app).await, 3, "and none of them is on a list");
}

#[tokio::test]
async fn what_an_old_secret_makes_ends_with_it() {
    let world = World::new().await;
    let parent = world.issue(grant("read,delegate")).await;
    let app = world.demo().await;
    let grace = Some(std::time::Duration::from_millis(1_000));
    let rotated =
        world.service.rotate(&app, &EVERYTHING, parent.token.id, None, grace).await.unwrap().unwrap();
    let old = delegator(&world, &parent).await;
    let later = ChildDraft { lifetime: Some(Lifetime::Millis(1_001)), ..ChildDraft::default() };
    let refused = world.service.delegate(&old, later.clone()).await.unwrap();
    assert!(matches!(refused, Err(DelegateRefusal::Forbidden(AuthorityRefusal::Outlives))), "{refused:?}");
    let made = child(&world, &parent).await;
    assert_eq!(made.token.expires_at, Some(world.service.now().saturating_add_millis(1_000)));
    let by_new = world.service.delegate(&delegator(&world, &rotated).await, later).await.unwrap().unwrap();
    assert_eq!(by_new.token.spec.lineage.parent(), Some(parent.token.id), "it is the same token");
    world.clock.advance_millis(1_000);
    assert_eq!(world.verdict(&made.secret).await, Verdict::Inactive(InactiveReason::Expired));
    assert_eq!(world.verdict(&by_new.secret).await, Verdict::Allowed);
}

#[tokio::test]
async fn what_a_reused_secret_ends_it_ends_below() {
    let world = World::new().await;
    let patch = serde_json::json!({"rotation": {"on_reuse": "revoke-lineage"}});
    world.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
    let parent = world.issue(grant("read,delegate")).await;
    let made = child(&world, &parent).await;
    let app = world.demo().await;
    world.service.rotate(&app, &EVERYTHING, parent.token.id, None, None).await.unwrap().unwrap();
    assert_eq!(world.verdict(&made.secret).await, Verdict::Allowed, "a rotation changes nothing below");
    world.verdict(&parent.secret).await;
    world.service.report_reuses().await.unwrap();
    assert_eq!(world.verdict(&made.secret).await, REVOKED);
    // And whoever finds a secret, where it is reported.
    let root = world.issue(grant("read,delegate")).await;
    let made = child(&world, &root).await;
    let found = secret(root.secret.expose());
    world.service.revoke_reported(&[found], None).await.unwrap().unwrap();
    assert_eq!(world.verdict(&made.secret).await, REVOKED);
}

#[tokio::test]
async fn a_suspended_app_makes_none() {
    let world = World::new().await;
    let parent = world.issue(grant("read,delegate")).await;
    let (admitted, key) = (delegator(&world, &parent).await, "demo".parse().unwrap());
    world.service.suspend_app(&key, true, &Cause::CLI).await.unwrap();
    let made = world.service.delegate(&admitted, ChildDraft::default()).await;
    assert!(matches!(made, Err(jeton_service::Error::Withdrawn)), "{made:?}");
    let again = world.service.admit_delegator(Some(&key), Some(&parent.secret), None).await.unwrap();
    assert!(matches!(again, DelegatorAdmission::Unproven), "{again:?}");
}

#[tokio::test]
async fn a_family_is_found_from_any_of_its_members() {
    let world = World::new().await;
    let app = world.demo().await;
    let root = world.issue(grant("read,delegate")).await;
    let made = child(&world, &root).await;
    let grandchild = child(&world, &made).await;
    let sibling = child(&world, &root).await;
    let family = async |token: &Issued| {
        let stored = world.store.token(app.id, token.id).await.unwrap().unwrap().token;
        world.service.family(&app, &EVERYTHING, &stored).await.unwrap()
    };
    let of_root = family(&root).await.unwrap();
    let ids = |member: &jeton_service::FamilyMember| -> Vec<TokenId> {
        member.children.iter().map(|child| child.id).collect()
    };
    assert_eq!((of_root.id, ids(&of_root)), (root.id, vec![made.id, sibling.id]));
    assert_eq!(ids(&of_root.children[0]), [grandchild.id]);
    let of_grandchild = family(&grandchild).await.unwrap();
    assert_eq!((of_grandchild.id, ids(&of_grandchild)), (root.id, vec![made.id]), "the way to it alone");
    assert_eq!(ids(&of_grandchild.children[0]), [grandchild.id]);
    assert!(family(&world.issue(grant("read")).await).await.is_none());
    let lineage = Lineage::new(vec![root.id, made.id]).unwrap();
    assert_eq!(grandchild.token.spec.lineage, lineage);
}

#[tokio::test]
async fn who_is_revoked_meanwhile_makes_nothing() {
    let world = World::new().await;
    let parent = world.issue(grant("read,delegate")).await;
    let admitted = delegator(&world, &parent).await;
    world.revoke(parent.id).await;
    let made = world.service.delegate(&admitted, ChildDraft::default()).await;
    assert!(matches!(made, Err(jeton_service::Error::Withdrawn)), "{made:?}");
    let app = world.demo().await;
    assert!(world.store.children(app.id, parent.id, 10).await.unwrap().is_empty());
    let verified =
        world.service.verify(&"demo".parse().unwrap(), &parent.secret, &Demand::Active, None).await;
    assert_ne!(verified.unwrap().verdict, Verdict::Allowed);
}
