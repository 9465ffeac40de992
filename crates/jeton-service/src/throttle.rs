//! Rate limits by address and app: on failures, and on writes by callers that no rule names.
//!
//! Guesses are refused before the store is asked; valid credentials are not. Arithmetic distinguishes a
//! secret that was minted here from a guess, and a credential that is cached as valid is admitted before the
//! limiter is asked.

use crate::Service;
use crate::limiter::{Account, Purpose, TooOften};
use crate::loopback::Writer;
use crate::open_app::OpenApp;
use jeton_core::{AppKey, Secret};
use std::net::IpAddr;

impl Service {
    /// Whether credentials that are not cached may be looked up for an address. `secret`: what is presented;
    /// it is not a guess if it was minted here.
    pub(crate) fn may_look_up(&self, failures: Account, secret: Option<&Secret>) -> Result<(), TooOften> {
        let looked = self.limiter.look(failures, self.limits.failures);
        if looked.is_err() && secret.is_some_and(|secret| self.keys.load().minted(secret)) {
            return Ok(());
        }
        if looked.is_err() {
            self.measures.throttled.failures.increment();
        }
        looked
    }

    /// The account of an address's failures at an app, whether or not the app exists.
    pub(crate) fn failures(&self, purpose: Purpose, from: Option<IpAddr>, app: Option<&AppKey>) -> Account {
        self.limiter.of_address(purpose, from, app.map_or("", AppKey::as_str))
    }

    pub(crate) fn count_failure(&self, failures: Account) {
        self.count_failures(failures, 1);
    }

    /// The same for several at once. However many there are, the wait is at most one period.
    pub(crate) fn count_failures(&self, failures: Account, count: u64) {
        let rate = self.limits.failures;
        self.limiter.charge(failures, rate, count.min(rate.most).max(1));
    }

    /// Whether a caller may write a row now.
    pub(crate) fn may_write(&self, app: &OpenApp, writer: &Writer) -> Result<(), TooOften> {
        if writer.is_named {
            return Ok(());
        }
        let [(address, rate), (everybody, rate_of_app)] = self.anonymous(app, writer);
        let looked =
            self.limiter.look(address, rate).and_then(|()| self.limiter.look(everybody, rate_of_app));
        if looked.is_err() {
            self.measures.throttled.anonymous_writes.increment();
        }
        looked
    }

    /// Counts rows that a caller writes.
    pub(crate) fn count_written(&self, app: &OpenApp, writer: &Writer, rows: usize) {
        if !writer.is_named {
            for (account, rate) in self.anonymous(app, writer) {
                self.limiter.charge(account, rate, rows as u64);
            }
        }
    }

    fn anonymous(&self, app: &OpenApp, writer: &Writer) -> [(Account, crate::Rate); 2] {
        let (purpose, key) = (Purpose::AnonymousWrites, app.key.as_str());
        [
            (self.limiter.of_address(purpose, writer.from, key), self.limits.anonymous_writes),
            (self.limiter.of_app(purpose, key), self.limits.anonymous_writes_of_app),
        ]
    }
}
