//! The cache of apps: by key, for verification; opened, for callers.
//!
//! All apps share one place for stamps: after a change of one, the others are looked up again, once each.

use super::Afterwards;
use super::versions::{Open, Stamp, Versions};
use crate::open_app::{ForwardAuthApp, OpenApp};
use jeton_core::AppKey;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The place of all apps.
const ALL: u64 = 0;
/// At most this many app keys are cached, unknown ones included. With more, all are forgotten.
const MAX_KEYS: usize = 10_000;
/// At most this many opened apps, of about 2 KB each with common settings. With more, all are forgotten.
const MAX_OPENED: usize = 1_000;

/// The cache of apps.
#[derive(Debug)]
pub(super) struct Apps {
    changes: Versions,
    /// Which app has a key, perhaps none. Reads take no lock.
    known: papaya::HashMap<AppKey, KnownApp>,
    /// Behind a lock so that what is forgotten is gone at once, data keys above all.
    opened: RwLock<Opened>,
}

#[derive(Debug)]
struct KnownApp {
    stamp: Stamp,
    app: ForwardAuthApp,
}

#[derive(Debug, Default)]
struct Opened {
    by_key: HashMap<AppKey, (Stamp, Arc<OpenApp>)>,
    default: Option<(Stamp, Arc<OpenApp>)>,
}

impl Apps {
    pub(super) fn new() -> Self {
        Apps { changes: Versions::new(1), known: papaya::HashMap::new(), opened: RwLock::default() }
    }

    /// The stamp for an answer about apps. Take it before asking the store.
    pub(super) fn stamp(&self) -> Stamp {
        self.changes.stamp()
    }

    pub(super) fn is_current(&self, stamp: Stamp) -> bool {
        self.changes.is_current(ALL, stamp)
    }

    /// Begins a change of an app. When the guards are dropped, in order, the change leaves its stamp, and
    /// then the cached apps are forgotten: what is opened meanwhile has an earlier stamp and is not kept.
    pub(super) fn change(&self) -> (Open<'_>, Afterwards<'_, Apps, impl Fn(&Apps)>) {
        (self.changes.open(ALL), Afterwards(self, Apps::forget))
    }

    /// Forgets the cached apps after a change by another process.
    pub(super) fn invalidate(&self) {
        self.changes.invalidate(ALL);
        self.forget();
    }

    /// Whether no app has this key. `false` also if that is not known.
    pub(super) fn lacks(&self, key: &AppKey) -> bool {
        let known = self.known.pin();
        let is_missing = |app: &ForwardAuthApp| app.id.is_none() && !app.is_suspended;
        known.get(key).is_some_and(|known| self.is_current(known.stamp) && is_missing(&known.app))
    }

    /// What gateways need to know of the app with this key, which may be none; `None`: not known.
    pub(super) fn forward_auth(&self, key: &AppKey) -> Option<ForwardAuthApp> {
        let known = self.known.pin();
        let known = known.get(key)?;
        self.is_current(known.stamp).then(|| known.app.clone())
    }

    /// Remembers which app has this key.
    pub(super) fn keep(&self, stamp: Stamp, key: &AppKey, app: ForwardAuthApp) {
        let known = self.known.pin();
        if known.len() >= MAX_KEYS {
            known.clear();
        }
        known.insert(key.clone(), KnownApp { stamp, app });
    }

    /// The app of this key, or the default app, opened; `None`: not known.
    pub(super) fn opened(&self, key: Option<&AppKey>) -> Option<Arc<OpenApp>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let (stamp, app) = match key {
            Some(key) => opened.by_key.get(key),
            None => opened.default.as_ref(),
        }?;
        self.is_current(*stamp).then(|| Arc::clone(app))
    }

    /// Remembers the app of this key, or the default app.
    pub(super) fn keep_opened(&self, stamp: Stamp, key: Option<&AppKey>, app: &Arc<OpenApp>) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: a change of the app after this check empties the cache only after that.
        if !self.is_current(stamp) {
            return;
        }
        let kept = (stamp, Arc::clone(app));
        match key {
            Some(key) => {
                if opened.by_key.len() >= MAX_OPENED {
                    opened.by_key.clear();
                }
                opened.by_key.insert(key.clone(), kept);
            }
            None => opened.default = Some(kept),
        }
    }

    /// Forgets all opened apps.
    pub(super) fn forget(&self) {
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Opened::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::AppSettings;
    use jeton_core::AppId;

    fn key() -> AppKey {
        "demo".parse().unwrap()
    }

    fn app() -> Arc<OpenApp> {
        Arc::new(OpenApp {
            id: AppId::new(1).unwrap(),
            key: key(),
            settings: AppSettings::default(),
            data_key: None,
            client_id: "client".to_owned(),
            client_secrets: Vec::new(),
        })
    }

    #[test]
    fn a_change_takes_what_was_opened_out_of_memory() {
        let (apps, app, key) = (Apps::new(), app(), key());
        let before = apps.stamp();
        apps.keep_opened(before, Some(&key), &app);
        apps.keep_opened(before, None, &app);
        assert_eq!(Arc::strong_count(&app), 3);
        assert!(apps.opened(Some(&key)).is_some() && apps.opened(None).is_some());

        let changing = apps.change();
        assert!(apps.opened(Some(&key)).is_none() && apps.opened(None).is_none());
        apps.keep_opened(apps.stamp(), Some(&key), &app);
        drop(changing);
        assert_eq!(Arc::strong_count(&app), 1, "nothing is kept, not even what was opened meanwhile");
        apps.keep_opened(before, Some(&key), &app);
        assert_eq!(Arc::strong_count(&app), 1, "what was asked for before the change is not kept after it");

        apps.keep_opened(apps.stamp(), Some(&key), &app);
        assert!(apps.opened(Some(&key)).is_some());
        apps.invalidate();
        assert_eq!(Arc::strong_count(&app), 1);
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let (apps, app) = (Apps::new(), app());
        for number in 0..=MAX_OPENED {
            apps.keep_opened(apps.stamp(), Some(&format!("a{number}").parse().unwrap()), &app);
        }
        assert_eq!(Arc::strong_count(&app), 2);
    }
}
