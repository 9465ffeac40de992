//! A store that counts what it is asked about tokens and apps.

use async_trait::async_trait;
use jeton_core::{AppId, Cause, Timestamp, TokenId};
use jeton_store::write::{DeleteToken, PurgeTokens};
use jeton_store::{Layer, Purge, Question, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Another store, and how often it was asked for an app or a token.
#[derive(Debug)]
pub(crate) struct CountingStore {
    inner: Arc<dyn Store>,
    questions: AtomicU64,
}

impl CountingStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        CountingStore { inner, questions: AtomicU64::new(0) }
    }

    /// Counts from now on.
    pub(crate) fn begin(&self) {
        self.questions.store(0, Ordering::SeqCst);
    }

    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::SeqCst)
    }

    /// Removes a token as another process would.
    pub(crate) async fn delete(&self, app_id: AppId, id: TokenId) {
        let delete = DeleteToken { app_id, id, at: Timestamp::MIN, by: Cause::CLI };
        assert!(self.inner.write(delete).await.unwrap());
    }

    /// Purges what has expired as another process would.
    pub(crate) async fn purge(&self, before: Timestamp) {
        let purge = PurgeTokens { which: Purge::Expired, before, limit: 100, at: before, by: Cause::CLI };
        assert_eq!(self.inner.write(purge).await.unwrap(), 1);
    }
}

#[async_trait]
impl Layer for CountingStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn ask(&self, question: Question) -> Result<(), StoreError> {
        if question != Question::Other {
            self.questions.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}
