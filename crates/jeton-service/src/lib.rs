//! What Jeton does, independent of any wire format: one file for each use case.
//!
//! [`Service`] combines a store, the keys, a clock and a source of randomness. Its methods return refusals as
//! values and fail with [`Error`] alone, when the request could not be answered or carried out.

#![deny(missing_docs)]

mod admit;
mod apps;
mod audit;
mod backup;
mod batch;
mod cache;
mod client;
mod delegate;
mod draft;
mod error;
mod export;
mod family;
mod feed;
mod forward_auth;
mod history;
mod import;
mod initialise;
mod issue;
mod key_changes;
mod keys;
mod lead;
mod leak;
mod lending;
mod limiter;
mod limits;
mod list;
mod locks;
mod lookup;
mod loopback;
mod measures;
mod nodes;
mod oauth;
mod once;
mod open_app;
mod operators;
mod partial_file;
mod portions;
mod rekey;
mod retention;
mod reuse;
mod revoke;
mod rotate;
mod search;
mod settings;
mod sign_in_links;
mod system;
mod throttle;
mod update;
mod usage;
mod verifier;
mod verify;
mod work;

pub use admit::{Admission, Surface};
pub use apps::{AppCredentials, AppSummary, AppVersion, MAX_GRACE, Merged};
pub use audit::{AppGlance, AppStats, AuditEntry, AuditRequest};
pub use backup::{BackupError, RestoreError};
pub use batch::{Check, Checked};
pub use cache::{CacheLimits, CacheStats, CachedToken};
pub use client::ClientCredentials;
pub use delegate::{ChildDraft, DelegateRefusal, Delegator, DelegatorAdmission};
pub use draft::{
    DraftError, EditDraft, MAX_DAYS, ScopeDraft, TokenDraft, addresses_of, addresses_of_json, description,
    end_of_token, instant, label, lifetime_of_days, limits_of_json, rates_of_json, scopes_of, user_id_of,
    uses_of_json,
};
pub use error::{Error, Refusal};
pub use export::{ExportPage, Exported, LeftOut};
pub use family::FamilyMember;
pub use feed::{FeedPosition, FeedPositionError};
pub use history::{History, VerdictCounts};
pub use import::{ImportRow, ImportSecret, Imported};
pub use initialise::{InitialCredentials, OpenServiceError};
pub use issue::{Issue, Issued, RequestedLifetime};
pub use key_changes::{KeyAdded, KeyReport, KeysError, KeysStatus};
pub use keys::{
    DataKey, ExportError, KeyCheckError, KeyFileError, KeyFileStamp, KeyRing, KeyRingError, KeyState, Keys,
    SealError, change_key_file, key_file_stamp, read_key_file, write_key_file,
};
pub use leak::MAX_REPORTED;
pub use limiter::{Rate, TooOften};
pub use limits::Limits;
pub use list::{ListRequest, Listed, Listing, ShownSecret};
pub use loopback::{
    BulkRefusal, Found, LoopBackCaller, LoopBackRow, MAX_STREAM_PATTERN_BYTES, Presentation, ReadRefusal,
    RowChange, RowEvent, RowStream, StreamEnd, StreamItem, StreamMeasures, WriteRefusal, Writer,
    value_of_json,
};
pub use measures::{ServiceMeasures, Throttled, Verdicts};
pub use nodes::NodeIdentity;
pub use oauth::{Introspected, OAuthRefusal};
pub use once::{Once, OnceKey};
pub use open_app::{AppRef, ForwardAuthApp, OpenApp, VerifierApp};
pub use operators::{OperatorAdmission, OperatorCredentials, OperatorNameError, operator_name};
pub use partial_file::PartialFile;
pub use portions::{LimitsLeft, PortionCounts};
pub use rekey::RekeyMeasures;
pub use retention::{Retention, RetentionCounters};
pub use search::{FoundTokens, LookedAt, RevokedTokens, SearchRequest, text_sought, title_sought};
pub use settings::{
    APP_SETTINGS, AppSetting, AppSettingKind, AppSettings, SettingsDocumentError, merge_settings,
    parse_settings, print_settings,
};
pub use sign_in_links::SIGN_IN_LINK_LIFE;
pub use system::{SystemClock, SystemEntropy};
pub use update::{Cleared, Edit};
pub use usage::UsageStats;
pub use verifier::{VerifierAdmission, VerifierProof};
pub use verify::{Explained, Missed, Verified};

pub use jeton_store::{
    AppCounts, AppUses, BackedUp, Bounded, BoundedCounts, CallMeasures, CheckReport, KeyUse, KeyUses,
    LogRead, Operator, Order, Progress, ProgressSeen, Restored, SearchOrder, SearchPlace, StoreMeasures,
    TitleSearch, TokenUse, WorthALook,
};

use cache::Cache;
use cache::coherent::CoherentStore;
use jeton_core::{AppId, Clock, Entropy, Timestamp};
use jeton_store::{Fair, Store};
use keys::LiveKeys;
use limiter::Limiter;
use locks::StripedLocks;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use usage::UsageQueue;

/// The service: all use cases. Clones share one state.
#[derive(Clone, Debug)]
pub struct Service {
    store: Arc<dyn Store>,
    keys: Arc<LiveKeys>,
    /// The file with the ring, if it is in one.
    key_file: Option<Arc<Path>>,
    rekeying: Arc<rekey::Rekeying>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    locks: Arc<StripedLocks>,
    limiter: Arc<Limiter>,
    limits: Limits,
    measures: Arc<ServiceMeasures>,
    retention: Arc<RetentionCounters>,
    cache: Arc<Cache>,
    /// Counts up when the change log has something new.
    news: watch::Sender<u64>,
    /// Whether this process does what only one of those that share the store needs to do.
    leads: watch::Sender<bool>,
    searches: loopback::Searches,
    streams: Arc<loopback::Streams>,
    usage: Arc<UsageQueue>,
    reuses: Arc<reuse::Reuses>,
    history: Arc<history::HistoryLog>,
    links: Arc<sign_in_links::SignInLinks>,
    batches: Fair<AppId>,
    work_pool: Arc<work::WorkPool>,
}

impl Service {
    /// The service over an initialised store that fits the keys: see [`Service::open`].
    fn new(
        store: Arc<dyn Store>,
        keys: Keys,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: CacheLimits,
    ) -> Self {
        let cache = Arc::new(Cache::new(limits, Arc::clone(&clock)));
        Service {
            store: Arc::new(CoherentStore { inner: store, cache: Arc::clone(&cache) }),
            keys: Arc::new(LiveKeys::new(keys)),
            key_file: None,
            rekeying: Arc::default(),
            limiter: Arc::new(Limiter::new(Arc::clone(&clock))),
            clock,
            entropy,
            locks: Arc::new(StripedLocks::new()),
            limits: Limits::default(),
            measures: Arc::default(),
            retention: Arc::default(),
            cache,
            news: watch::Sender::new(0),
            leads: watch::Sender::new(false),
            searches: loopback::Searches::default(),
            streams: Arc::default(),
            usage: Arc::new(UsageQueue::new()),
            reuses: Arc::default(),
            history: Arc::default(),
            links: Arc::default(),
            batches: batch::batch_turns(),
            work_pool: Arc::default(),
        }
    }

    /// The same service with these limits on future writes.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Service { limits, ..self }
    }

    /// The same service, which takes its ring from this file and changes it there.
    #[must_use]
    pub fn with_key_file(self, path: &Path) -> Self {
        Service { key_file: Some(path.into()), ..self }
    }

    /// The limits on writes.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The counters of the service.
    pub fn measures(&self) -> &ServiceMeasures {
        &self.measures
    }

    /// The counters of change streams.
    pub fn stream_measures(&self) -> &StreamMeasures {
        self.streams.measures()
    }

    /// The counters of its store; `None`: it has none.
    pub fn store_measures(&self) -> Option<&StoreMeasures> {
        self.store.measures()
    }

    /// The contents and the counts of the cache.
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// The current time by the service's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time that has passed since a fixed moment, by the service's clock.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// As many unpredictable bytes, from the service's source of them.
    ///
    /// # Errors
    /// There are none.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        Ok(self.entropy.bytes()?)
    }

    /// Whether the store can be reached and read.
    ///
    /// # Errors
    /// It cannot.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.store.ping().await?)
    }

    /// Finishes work in progress, gives back the uses of limited tokens that it holds, writes the recorded use of tokens, and closes
    /// the store.
    pub async fn close(&self) {
        self.give_back_all().await;
        if let Err(error) = self.write_usage().await {
            tracing::warn!("the last use of some tokens was not written: {error}");
        }
        self.store.close().await;
    }
}
