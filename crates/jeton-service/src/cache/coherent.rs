//! The store as use cases see it: every write leaves its stamp.
//!
//! No use case can forget it, since none has another store; and no write can, since none compiles without
//! declaring what it touches. Stamps are left however a write ends: when it fails, or its caller goes away,
//! it is unknown whether it was committed. If it is committed later, no caller was given an answer, and the
//! change log reports it.

use super::table::Key;
use super::{Cache, token_place};
use async_trait::async_trait;
use jeton_store::write::{Outcome, Write};
use jeton_store::{Layer, Store, StoreError};
use std::sync::Arc;

/// A store, and the cache that must stay coherent with it.
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
        let digests = || touched.digests.iter().filter(|new| new.place.is_of_token());
        let prefixes: Vec<u64> = touched.arrivals.iter().map(|token| Key::prefix(&token.digest)).collect();
        let prefixes: Vec<u64> =
            prefixes.into_iter().chain(digests().map(|new| Key::prefix(&new.digest))).collect();
        let _arrivals: Vec<_> = prefixes.iter().map(|prefix| cache.arrivals.open(*prefix)).collect();
        // Before they exist: one digest too many costs a query, one too few would refuse a token.
        let foreign = touched.arrivals.iter().filter(|token| token.is_foreign);
        foreign.for_each(|token| cache.foreign.add(&token.digest));
        digests().for_each(|new| cache.foreign.add(&new.digest));
        self.inner.commit(write).await
    }
}
