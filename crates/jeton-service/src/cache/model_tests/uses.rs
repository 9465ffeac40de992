//! Random histories of a token that may be used so many times, and of one that it made, in two processes that follow the change log:
//! no use too many is allowed, and none once it was refused.

use super::{EVERYTHING, LIMITS, Node, Without, changes, scopes};
use crate::{Edit, Issue, RequestedLifetime};
use jeton_core::{
    Allowance, Demand, Lifetime, ManualClock, Owner, Secret, Timestamp, TokenId, TokenKind, TokenSpec,
    UseLimits, UseRates, Verdict,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Step {
    Use { node: usize, child: bool, times: u64 },
    Give { node: usize, uses: u64 },
    Enable { node: usize, enabled: bool },
    Rotate { node: usize },
    Follow { node: usize },
    Lapse { node: usize },
    Wait { millis: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = || 0..2_usize;
    let step = prop_oneof![
        8 => (node(), any::<bool>(), 1..20_u64).prop_map(|(node, child, times)| Step::Use { node, child, times }),
        2 => (node(), 0..50_u64).prop_map(|(node, uses)| Step::Give { node, uses }),
        2 => (node(), any::<bool>()).prop_map(|(node, enabled)| Step::Enable { node, enabled }),
        1 => node().prop_map(|node| Step::Rotate { node }),
        4 => node().prop_map(|node| Step::Follow { node }),
        2 => node().prop_map(|node| Step::Lapse { node }),
        2 => (1..4_000_i64).prop_map(|millis| Step::Wait { millis }),
    ];
    prop::collection::vec(step, 1..40)
}

struct History {
    nodes: [Node; 2],
    clock: ManualClock,
    id: TokenId,
    secret: Secret,
    child: Secret,
    /// How many uses the token was last given, and how many of them were made.
    given: Allowance,
    made: u64,
    enabled: bool,
    /// What each process may not have heard of: that uses were given, and anything else.
    unheard: [(bool, bool); 2],
    _folder: tempfile::TempDir,
}

impl History {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let (here, _) = Node::open(folder.path(), &clock, 2, Without::Nothing).await;
        let (elsewhere, _) = Node::open(folder.path(), &clock, 3, Without::Nothing).await;
        let owner = Owner::Named("7".parse().unwrap());
        let mut spec = TokenSpec::new(TokenKind::Grant, owner, scopes(&[]));
        spec.limits = UseLimits::new(Some(30), UseRates::NONE).unwrap();
        let issue = Issue { spec, lifetime: RequestedLifetime::Asked(Lifetime::Unlimited) };
        let issued = here.service.issue(&*here.app().await, &EVERYTHING, issue).await.unwrap().unwrap();
        let child = changes::delegate(&here.service, issued.secret.expose()).await.unwrap();
        let mut history = History {
            nodes: [here, elsewhere],
            clock,
            id: issued.token.id,
            secret: issued.secret,
            child: Secret::parse(&child.secret).unwrap(),
            given: issued.token.spec.limits.allowance.unwrap(),
            made: 0,
            enabled: true,
            unheard: [(false, false); 2],
            _folder: folder,
        };
        for node in 0..2 {
            history.follow(node).await;
        }
        history
    }

    async fn follow(&mut self, node: usize) {
        self.nodes[node].follower.step().await.unwrap();
        self.unheard[node] = (false, false);
    }

    /// Changes the token in one process, of which the other one has not heard then.
    async fn change(&mut self, node: usize, edit: Edit) {
        let Node { service, .. } = &self.nodes[node];
        let app = self.nodes[node].app().await;
        let changed = service.update(&app, &EVERYTHING, self.id, None, &edit).await.unwrap().unwrap();
        self.given = changed.spec.limits.allowance.unwrap();
        let (gives, others) = (edit.uses.is_some(), edit.uses.is_none());
        let unheard = &mut self.unheard[1 - node];
        *unheard = (unheard.0 || gives, unheard.1 || others);
    }

    /// Whether a process has read the change log too long ago to answer from memory.
    fn asks(&self, node: usize) -> bool {
        let staleness = self.nodes[node].service.cache.freshness.staleness_millis();
        staleness.is_none_or(|millis| Duration::from_millis(millis) > LIMITS.max_staleness)
    }

    async fn use_once(&mut self, node: usize, child: bool) -> Result<(), TestCaseError> {
        let (unheard_uses, unheard) = if self.asks(node) { (false, false) } else { self.unheard[node] };
        let secret = if child { &self.child } else { &self.secret };
        let key = "demo".parse().unwrap();
        let verified = self.nodes[node].service.verify(&key, secret, &Demand::Active, None).await.unwrap();
        if verified.verdict == Verdict::Allowed {
            prop_assert!(self.enabled || unheard, "it is disabled");
            // What is left of the count of before may be used until it is heard that there is another.
            let is_of_now = verified.limits.unwrap().limits.allowance == Some(self.given);
            prop_assert!(is_of_now || unheard_uses, "it has other uses");
            self.made += u64::from(is_of_now);
            prop_assert!(self.made <= self.given.uses, "{} of {:?}", self.made, self.given);
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Use { node, child, times } => {
                for _ in 0..times {
                    self.use_once(node, child).await?;
                }
            }
            Step::Give { node, uses } => {
                let given = Some(Some(Allowance { uses, since: 0 }));
                self.change(node, Edit { uses: given, ..Edit::default() }).await;
                self.made = 0;
            }
            Step::Enable { node, enabled } => {
                self.change(node, Edit { enabled: Some(enabled), ..Edit::default() }).await;
                self.enabled = enabled;
            }
            Step::Rotate { node } => {
                let app = self.nodes[node].app().await;
                let service = &self.nodes[node].service;
                let rotated = service.rotate(&app, &EVERYTHING, self.id, None, None).await.unwrap().unwrap();
                self.secret = rotated.secret;
            }
            Step::Follow { node } => self.follow(node).await,
            Step::Lapse { node } => self.nodes[node].service.give_back_lapsed().await,
            Step::Wait { millis } => self.clock.advance_millis(millis),
        }
        Ok(())
    }

    /// Whatever happened, all uses are there once both have heard of everything, and no server holds any.
    async fn end(mut self) -> Result<(), TestCaseError> {
        self.clock.advance_millis(10_000);
        for node in 0..2 {
            self.follow(node).await;
            self.nodes[node].service.give_back_all().await;
        }
        self.change(0, Edit { enabled: Some(true), ..Edit::default() }).await;
        self.enabled = true;
        for _ in self.made..self.given.uses {
            self.use_once(0, false).await?;
        }
        prop_assert_eq!(self.made, self.given.uses, "some are lost");
        self.use_once(0, false).await
    }
}

proptest! {
    #![proptest_config(Config { cases: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_use_too_many_is_allowed(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut history = History::new().await;
            for step in steps {
                history.step(step).await?;
            }
            history.end().await
        })?;
    }
}
