//! Reloads settings while the server runs.

use super::certificates::Certificates;
use crate::config::{Config, Effective, ServeFlags};
use crate::error::CommandError;
use crate::log::Log;
use jeton_http::Observer;
use jeton_service::Retention;
use std::sync::Arc;
use std::time::Duration;

/// The settings that a running server can change, and where it applies them.
pub(super) struct Reloader {
    flags: ServeFlags,
    config: Config,
    log: Log,
    observer: Arc<Observer>,
    certificates: Certificates,
}

impl Reloader {
    pub(super) fn new(
        flags: ServeFlags,
        config: Config,
        log: Log,
        observer: Arc<Observer>,
        certificates: Certificates,
    ) -> Self {
        Reloader { flags, config, log, observer, certificates }
    }

    pub(super) fn retention(&self) -> Retention {
        self.config.retention
    }

    pub(super) fn certificates(&self) -> Certificates {
        self.certificates.clone()
    }

    pub(super) fn drain(&self) -> Duration {
        self.config.drain
    }

    /// Loads the settings again, applies what can be applied, and logs what was applied and what was not.
    /// Invalid settings change nothing.
    pub(super) fn reload(&mut self) {
        match self.flags.load().and_then(|config| self.take_over(config)) {
            Ok(()) => {}
            Err(error) => tracing::error!("nothing was reloaded: {error}"),
        }
    }

    fn take_over(&mut self, config: Config) -> Result<(), CommandError> {
        if !self.certificates.is_empty() {
            // First, since only this can fail: then nothing has changed.
            self.certificates.reload()?;
            tracing::info!("the certificate was reloaded");
        }
        self.log.set_level(config.reloadable.log_level)?;
        self.observer.set_log(config.reloadable.log_requests);
        let (taken, not_taken) = changes(&self.config.effective, &config.effective);
        tracing::info!("reloaded: {}", listed(&taken));
        if !not_taken.is_empty() {
            tracing::warn!("only a restart applies: {}", listed(&not_taken));
        }
        // Settings that need a restart keep their old value here, and are reported again next time.
        self.config.reloadable = config.reloadable;
        for (mine, new) in self.config.effective.settings.iter_mut().zip(config.effective.settings) {
            if new.setting.reloads {
                *mine = new;
            }
        }
        Ok(())
    }
}

/// The names of the changed settings: those that a running server applies, and those that it does not.
fn changes(before: &Effective, after: &Effective) -> (Vec<&'static str>, Vec<&'static str>) {
    let pairs = before.settings.iter().zip(&after.settings);
    let changed = pairs.filter(|(before, after)| before.text != after.text).map(|(before, _)| before.setting);
    let (taken, not_taken): (Vec<_>, Vec<_>) = changed.partition(|setting| setting.reloads);
    let names = |settings: Vec<&'static crate::config::Setting>| {
        settings.into_iter().map(|setting| setting.name).collect::<Vec<_>>()
    };
    (names(taken), names(not_taken))
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing has changed".to_owned() } else { names.join(", ") }
}
