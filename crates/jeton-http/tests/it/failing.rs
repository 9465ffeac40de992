//! A store that fails on demand.

use async_trait::async_trait;
use jeton_store::write::{Outcome, Write};
use jeton_store::{Layer, Question, Store, StoreError};
use std::future::{self, Future};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::watch;

/// Another store behind calls that are counted, some of which fail before they reach it.
#[derive(Debug)]
pub(crate) struct FailingStore {
    inner: Arc<dyn Store>,
    calls: AtomicU64,
    questions_of_apps: AtomicU64,
    first_failing: AtomicU64,
    last_failing: AtomicU64,
    loses_answers: AtomicBool,
    last_held: watch::Sender<u64>,
}

impl FailingStore {
    /// A store that does not fail yet.
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        FailingStore {
            inner,
            calls: AtomicU64::new(0),
            questions_of_apps: AtomicU64::new(0),
            first_failing: AtomicU64::new(u64::MAX),
            last_failing: AtomicU64::new(u64::MAX),
            loses_answers: AtomicBool::new(false),
            last_held: watch::Sender::new(0),
        }
    }

    /// From now on, the call of this number fails and no other. Numbers start with 1.
    pub(crate) fn fail_only(&self, number: u64) {
        self.fail(number, number);
    }

    /// From now on, every call fails.
    pub(crate) fn fail_always(&self) {
        self.fail(1, u64::MAX);
    }

    /// From now on, so many calls wait until the store recovers.
    pub(crate) fn hold(&self, calls: u64) {
        self.fail(u64::MAX, u64::MAX);
        self.last_held.send_replace(calls);
    }

    /// From now on, no call fails.
    pub(crate) fn recover(&self) {
        self.fail(u64::MAX, u64::MAX);
        self.lose_answers(false);
        self.last_held.send_replace(0);
    }

    /// Whether calls that fail have been carried out: only their answers are lost.
    pub(crate) fn lose_answers(&self, loses: bool) {
        self.loses_answers.store(loses, Ordering::SeqCst);
    }

    /// Calls since it was last configured.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// How often apps were looked up, ever.
    pub(crate) fn questions_of_apps(&self) -> u64 {
        self.questions_of_apps.load(Ordering::SeqCst)
    }

    fn fail(&self, first: u64, last: u64) {
        self.first_failing.store(first, Ordering::SeqCst);
        self.last_failing.store(last, Ordering::SeqCst);
        self.calls.store(0, Ordering::SeqCst);
    }

    /// Makes a call, unless it fails before it is made or after.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        drop(self.last_held.subscribe().wait_for(|last| *last < number).await);
        let failing = self.first_failing.load(Ordering::SeqCst)..=self.last_failing.load(Ordering::SeqCst);
        if !failing.contains(&number) {
            return call.await;
        }
        if self.loses_answers.load(Ordering::SeqCst) {
            drop(call.await?);
        }
        Err(StoreError::Unavailable("the disk of this test is broken".into()))
    }
}

#[async_trait]
impl Layer for FailingStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    /// Whether a question that fails was carried out makes no difference.
    async fn ask(&self, question: Question) -> Result<(), StoreError> {
        if matches!(question, Question::Apps) {
            self.questions_of_apps.fetch_add(1, Ordering::SeqCst);
        }
        self.call(future::ready(Ok(()))).await
    }

    async fn pass(&self, write: Write) -> Result<Outcome, StoreError> {
        self.call(self.inner.commit(write)).await
    }
}
