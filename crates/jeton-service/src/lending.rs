//! How this process has portions of limits taken from the store, and gives back what it did not need.

use crate::portions::{HeldPortion, Lapsed, PortionCounts, Waiting};
use crate::{CachedToken, Error, Service};
use futures_util::stream::{self, StreamExt};
use jeton_core::{AppId, Token, TokenId, UseLimits};
use jeton_store::Unused;
use jeton_store::write::{GiveBack, TakePortion};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// At most this many portions are given back in one transaction, so that other writes hardly wait.
const MAX_GIVEN_BACK: usize = 16;
/// To at most this many apps at the same time.
const APPS_AT_ONCE: usize = 4;

impl Service {
    /// Has portions taken of each limit of a token, and of those above it, of which none is known to be left. `false`: one of them has
    /// other limits by now, or is gone.
    pub(crate) async fn ask_for_portions(&self, cached: &CachedToken) -> Result<bool, Error> {
        for held in cached.portions() {
            if !held.knows(self.clock.monotonic()) && !self.ask_for_portion(held).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Has the next portion taken, unless another use does. `false`: the token has other limits by now, or is gone.
    async fn ask_for_portion(&self, held: &Arc<HeldPortion>) -> Result<bool, Error> {
        let _waiting = Waiting::on(held);
        let turn = Arc::clone(&held.asking).lock_owned().await;
        if held.knows(self.clock.monotonic()) {
            return Ok(true);
        }
        let (service, held) = (self.clone(), Arc::clone(held));
        let ask = Arc::clone(&self.cache.portions().asks).read_owned().await;
        // Whoever waits for it may go away meanwhile, and what was taken would be lost.
        let asked = tokio::spawn(async move {
            let _turn = turn;
            let asked_at = service.clock.monotonic();
            let (app_id, id, limits) = (held.app_id, held.token_id, held.limits.clone());
            let (portions, unused, wanted) =
                (service.cache.portions(), held.take_unused(asked_at), held.wanted());
            let take = TakePortion { app_id, id, limits, unused, wanted, at: service.now() };
            let is_there = match service.store.write(take).await {
                Ok(Some(portion)) => {
                    portions.counts.given_back.add(unused.uses);
                    portions.put(&held, portion, asked_at);
                    true
                }
                Ok(None) => {
                    // The allowance may be the same still.
                    portions.keep_unused(&held, unused);
                    false
                }
                Err(error) => {
                    held.be_modest();
                    portions.settle_failure(&held, unused, &error, wanted);
                    return Err(error.into());
                }
            };
            drop(ask);
            Ok(is_there)
        });
        asked.await.map_err(|_| Error::Failed)?
    }

    /// Gives back what was taken and not used: of portions whose time is over.
    async fn give_back(&self, unused: Vec<Lapsed>) {
        let mut of_apps: BTreeMap<AppId, Vec<Lapsed>> = BTreeMap::new();
        for lapsed in unused {
            of_apps.entry(lapsed.1.app_id).or_default().push(lapsed);
        }
        let all = of_apps.into_iter().map(|(app_id, unused)| self.give_back_to(app_id, unused));
        stream::iter(all.collect::<Vec<_>>()).buffer_unordered(APPS_AT_ONCE).collect::<()>().await;
    }

    async fn give_back_to(&self, app_id: AppId, mut unused: Vec<Lapsed>) {
        let portions = self.cache.portions();
        // As everybody locks them.
        unused.sort_by_key(|(_, held)| held.token_id);
        for chunk in unused.chunks(MAX_GIVEN_BACK) {
            let given = chunk.iter().map(|(unused, held)| Unused {
                id: held.token_id,
                limits: held.limits.clone(),
                held: *unused,
            });
            let give_back = GiveBack { app_id, portions: given.collect(), at: self.now() };
            let given = self.store.write(give_back).await;
            for (unused, held) in chunk {
                match &given {
                    Ok(()) => portions.counts.given_back.add(unused.uses),
                    Err(error) => portions.settle_failure(held, *unused, error, 0),
                }
            }
        }
    }

    /// Gives back all that is held, once nothing is asked for any more.
    pub(crate) async fn give_back_all(&self) {
        let portions = self.cache.portions();
        let _no_asks = portions.asks.write().await;
        self.give_back(portions.unused(true)).await;
    }

    /// Gives back what was not used in time, again and again, with this pause between, until `stop` completes. What is held then is
    /// given back when the service is closed.
    pub async fn keep_portions(&self, pause: Duration, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => return,
            }
            self.give_back_lapsed().await;
        }
    }

    /// Gives back what was not used in time.
    pub async fn give_back_lapsed(&self) {
        self.give_back(self.cache.portions().unused(false)).await;
    }

    /// The counts of portions.
    pub fn portion_counts(&self) -> &PortionCounts {
        self.cache.portions().counts()
    }

    /// How many uses these tokens of an app have left, of those that may be used a number of times: what other servers
    /// hold is not among them.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn uses_left<'t>(
        &self,
        tokens: impl IntoIterator<Item = &'t Token>,
    ) -> Result<HashMap<TokenId, u64>, Error> {
        let mut left = HashMap::new();
        let mut of_apps: BTreeMap<AppId, BTreeMap<TokenId, &UseLimits>> = BTreeMap::new();
        for token in tokens {
            let limits = &token.spec.limits;
            if let Some(allowance) = limits.allowance {
                left.insert(token.id, allowance.uses);
                of_apps.entry(token.app_id).or_default().insert(token.id, limits);
            }
        }
        for (app_id, limits) in of_apps {
            let ids: Vec<TokenId> = limits.keys().copied().collect();
            for kept in self.store.budgets_of(app_id, &ids).await? {
                let id = kept.token_id;
                let Some(limits) = limits.get(&id) else { continue };
                if let Some(uses) = kept.of(limits, self.now()).uses_left {
                    left.insert(id, uses.saturating_add(self.cache.portions().uses_of(id)));
                }
            }
        }
        Ok(left)
    }
}
