//! What is bounded by address and app: failures, and what is written by whom no rule names.
//!
//! Who guesses is refused before the store is asked; whoever is right is not. A secret that was minted here is told from a guess
//! by arithmetic, and a credential that memory knows to be good is let in before anybody counts.

use crate::Service;
use crate::limiter::{Account, Purpose, TooOften};
use crate::loopback::Writer;
use crate::open_app::OpenApp;
use jeton_core::{AppKey, Secret};
use std::net::IpAddr;

impl Service {
    /// Whether credentials that memory does not know may be looked up for an address. `secret`: what is presented, which is no guess
    /// if it was minted here.
    pub(crate) fn may_look_up(&self, failures: Account, secret: Option<&Secret>) -> Result<(), TooOften> {
        let looked = self.limiter.look(failures, self.limits.failures);
        if looked.is_err() && secret.is_some_and(|secret| self.keys.minted(secret)) {
            return Ok(());
        }
        if looked.is_err() {
            self.measures.throttled.failures.increment();
        }
        looked
    }

    /// Where an address's failures at an app are counted, whether or not there is such an app.
    pub(crate) fn failures(&self, purpose: Purpose, from: Option<IpAddr>, app: Option<&AppKey>) -> Account {
        self.limiter.of_address(purpose, from, app.map_or("", AppKey::as_str))
    }

    pub(crate) fn count_failure(&self, failures: Account) {
        self.count_failures(failures, 1);
    }

    /// The same of so many at once. However many there were, no more than a period is waited for.
    pub(crate) fn count_failures(&self, failures: Account, count: u64) {
        let rate = self.limits.failures;
        self.limiter.charge(failures, rate, count.min(rate.most).max(1));
    }

    /// Whether somebody may write a row now.
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

    /// Counts rows that somebody writes.
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
