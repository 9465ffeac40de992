//! The store as the service sees it: every write leaves its stamp.
//!
//! No use case can forget it, because none has another store; and no write can, because none compiles that does not say
//! what it touches. Stamps are left however a write ends: when it fails, or its caller goes away, nobody knows whether it
//! was committed. If it is committed after that, nobody was told so, and the change log tells.

use super::table::Key;
use super::{Cache, token_place};
use async_trait::async_trait;
use jeton_store::write::{Outcome, Write};
use jeton_store::{Layer, Store, StoreError};
use std::sync::Arc;

/// Another store, and the cache that must not contradict it.
#[derive(Debug)]
pub(crate) struct CoherentStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) cache: Arc<Cache>,
}

#[async_trait]
impl Layer for CoherentStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn pass(&self, write: Write) -> Result<Outcome, StoreError> {
        let cache = &self.cache;
        let touched = write.touches();
        let _everything = touched.everything.then(|| cache.replace_all());
        let _apps = touched.apps.then(|| cache.apps.change());
        let _dead = touched.dead.then(|| cache.purge());
        let _token = touched.token.map(|id| cache.tokens.open(token_place(id)));
        let _tokens: Vec<_> = touched.tokens.iter().map(|id| cache.tokens.open(token_place(*id))).collect();
        let prefixes: Vec<u64> = touched.arrivals.iter().map(|token| Key::prefix(&token.digest)).collect();
        let _arrivals: Vec<_> = prefixes.iter().map(|prefix| cache.arrivals.open(*prefix)).collect();
        // Before they are there: one too many costs a question, one too few would be refused.
        let foreign = touched.arrivals.iter().filter(|token| token.is_foreign);
        foreign.for_each(|token| cache.foreign.add(&token.digest));
        self.inner.commit(write).await
    }
}
