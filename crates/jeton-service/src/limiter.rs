//! Rate limits: one limiter for everything that is limited by address and app.
//!
//! The state of each account is one instant (the generic cell rate algorithm, GCRA): the one at which its
//! full allowance is available again. That much may happen at once, and again over each period of its
//! [`Rate`], for example a minute.
//!
//! **Memory.** A table of [`SLOTS`] slots of 16 bytes, 4 MiB, of which the system allocates only what was
//! used, however many callers and addresses there are. A slot is free again once its instant has passed. So
//! events at a rate of `n` a second occupy `n` times as many slots as one of them lasts seconds: at 60
//! failures a minute, one second each, a table is half full at 131,072 failures a second, more than two cores
//! answer. Beyond that, of the eight slots that a key may use, the one with the smallest debt is reused:
//! a party far over a limit keeps its slot, and a party that never failed owes nothing.
//!
//! **Addresses.** IPv6 addresses count by their first 64 bits, which belong to one site. Keys are hashed with
//! a secret of the process, so that no client can aim at the slot of another.
//!
//! A limiter belongs to one process: several servers of one database allow a multiple.

use jeton_core::Clock;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The number of slots.
const SLOTS: usize = 1 << 18;
/// The number of slots that a key may use.
const WAYS: usize = 8;
/// The number of parts of the table with a lock each.
const SHARDS: usize = 64;

/// What is limited. Each has its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Invalid credentials.
    Failures,
    /// Invalid credentials on LoopBack, where a caller with an unknown token counts as anonymous.
    FailuresOnLoopBack,
    /// Tokens of operators that are none.
    FailuresOfOperators,
    /// Rows written by callers that no access rule names.
    AnonymousWrites,
    /// Secrets that somebody reports as leaked.
    LeakReports,
    /// Old secrets of a token that somebody presents.
    Reuses,
}

/// A number in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; 0: none at all.
    pub most: u64,
    /// The period.
    pub per: Duration,
}

impl Rate {
    /// A number a minute.
    pub const fn per_minute(most: u64) -> Self {
        Rate { most, per: Duration::from_secs(60) }
    }

    /// A number an hour.
    pub const fn per_hour(most: u64) -> Self {
        Rate { most, per: Duration::from_secs(3_600) }
    }

    /// How many nanoseconds one of them costs.
    fn cost(self) -> u64 {
        nanos(self.per).checked_div(self.most).unwrap_or(u64::MAX)
    }
}

/// The limit is exceeded; try again after this many whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// The number of seconds.
    pub retry_seconds: u64,
}

/// The account of an address or an app, for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account(u64);

/// The accounts that owe anything.
pub(crate) struct Limiter {
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: Box<[Mutex<Vec<Slot>>]>,
}

/// The hash of a key, and the nanosecond at which it owes nothing any more.
type Slot = [u64; 2];

impl Limiter {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        // Zeroed by the system when it is first touched.
        let shard = || Mutex::new(vec![[0; 2]; SLOTS / SHARDS]);
        Limiter { clock, hasher: RandomState::new(), shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// The account of an address at an app, or of all clients whose address is unknown.
    pub(crate) fn of_address(&self, purpose: Purpose, address: Option<IpAddr>, app: &str) -> Account {
        Account(self.hasher.hash_one((purpose, Some(address.map(site)), app)))
    }

    /// The account of an app, for clients from anywhere.
    pub(crate) fn of_app(&self, purpose: Purpose, app: &str) -> Account {
        Account(self.hasher.hash_one((purpose, None::<Option<IpAddr>>, app)))
    }

    /// Whether one more may happen.
    pub(crate) fn look(&self, account: Account, rate: Rate) -> Result<(), TooOften> {
        let now = nanos(self.clock.monotonic());
        has_room(self.with(account, now, |owed| *owed), now, rate)
    }

    /// Counts events, however many: a large batch is then paid off over time instead of being refused
    /// forever.
    pub(crate) fn charge(&self, account: Account, rate: Rate, count: u64) {
        let now = nanos(self.clock.monotonic());
        self.with(account, now, |owed| *owed = owing(*owed, now, rate, count));
    }

    /// Applies a function to what an account owes.
    fn with<T>(&self, Account(key): Account, now: u64, act: impl FnOnce(&mut u64) -> T) -> T {
        // 0 marks a free slot.
        let key = key.max(1);
        let (shard, place) = (key as usize % SHARDS, key as usize / SHARDS);
        let mut slots = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let first = place % (slots.len() / WAYS) * WAYS;
        let ways = &mut slots[first..first + WAYS];
        if let Some([_, owed]) = ways.iter_mut().find(|[owner, _]| *owner == key) {
            return act(owed);
        }
        let mut owed = now;
        let answer = act(&mut owed);
        if owed > now
            && let Some(least) = ways.iter_mut().min_by_key(|[_, owed]| *owed)
        {
            *least = [key, owed];
        }
        answer
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limiter")
    }
}

fn has_room(owed: u64, now: u64, rate: Rate) -> Result<(), TooOften> {
    let over = owed.saturating_sub(now).saturating_add(rate.cost()).saturating_sub(nanos(rate.per));
    if over == 0 { Ok(()) } else { Err(TooOften { retry_seconds: over.div_ceil(1_000_000_000) }) }
}

fn owing(owed: u64, now: u64, rate: Rate, count: u64) -> u64 {
    owed.max(now).saturating_add(rate.cost().saturating_mul(count))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The part of an address that belongs to one site.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::{ManualClock, Timestamp};
    use std::net::Ipv4Addr;

    const RATE: Rate = Rate::per_minute(60);

    fn limiter() -> (Limiter, ManualClock) {
        let clock = ManualClock::at(Timestamp::MIN);
        (Limiter::new(Arc::new(clock.clone())), clock)
    }

    const APP: &str = "demo";

    impl Limiter {
        fn take(&self, account: Account, rate: Rate, count: u64) -> Result<(), TooOften> {
            self.look(account, rate).inspect(|()| self.charge(account, rate, count))
        }
    }

    fn of(limiter: &Limiter, address: &str) -> Account {
        limiter.of_address(Purpose::Failures, Some(address.parse().unwrap()), APP)
    }

    #[test]
    fn so_many_at_once_and_as_many_again_as_time_goes_by() {
        let (limiter, clock) = limiter();
        let account = of(&limiter, "192.0.2.1");
        for _ in 0..60 {
            assert_eq!(limiter.take(account, RATE, 1), Ok(()));
        }
        assert_eq!(limiter.look(account, RATE), Err(TooOften { retry_seconds: 1 }));
        assert_eq!(limiter.take(account, RATE, 1), Err(TooOften { retry_seconds: 1 }));
        clock.advance_millis(999);
        assert!(limiter.look(account, RATE).is_err());
        clock.advance_millis(1);
        assert_eq!(limiter.take(account, RATE, 1), Ok(()));
        assert!(limiter.look(account, RATE).is_err());
        clock.advance_millis(60_000);
        for _ in 0..60 {
            assert_eq!(limiter.take(account, RATE, 1), Ok(()), "no more is saved up than a period has");
        }
        assert!(limiter.look(account, RATE).is_err());
    }

    #[test]
    fn each_purpose_address_and_app_has_its_own() {
        let (limiter, _) = limiter();
        let account = of(&limiter, "2001:db8::1");
        limiter.charge(account, RATE, 60);
        let address = Some("2001:db8::1".parse().unwrap());
        for other in [
            of(&limiter, "2001:db8:0:1::1"),
            of(&limiter, "192.0.2.1"),
            limiter.of_address(Purpose::AnonymousWrites, address, APP),
            limiter.of_address(Purpose::Failures, address, "other"),
            limiter.of_address(Purpose::Failures, None, APP),
            limiter.of_app(Purpose::Failures, APP),
        ] {
            assert_eq!(limiter.look(other, RATE), Ok(()));
        }
        assert!(limiter.look(of(&limiter, "2001:db8::ffff"), RATE).is_err(), "one site");
    }

    #[test]
    fn what_comes_at_once_is_waited_for() {
        let (limiter, clock) = limiter();
        let account = of(&limiter, "192.0.2.1");
        assert_eq!(limiter.take(account, RATE, 1_000), Ok(()));
        assert_eq!(limiter.look(account, RATE), Err(TooOften { retry_seconds: 941 }));
        clock.advance_millis(941_000);
        assert_eq!(limiter.look(account, RATE), Ok(()));
    }

    #[test]
    fn none_at_all() {
        let (limiter, _) = limiter();
        assert!(limiter.take(of(&limiter, "192.0.2.1"), Rate::per_minute(0), 1).is_err());
    }

    /// A million addresses: memory stays bounded, no address without failures is refused, and the one far
    /// over its limit stays refused.
    #[test]
    fn a_flood_of_addresses_locks_nobody_out_and_frees_nobody() {
        let (limiter, clock) = limiter();
        let guesser = of(&limiter, "192.0.2.1");
        limiter.charge(guesser, RATE, 1_000);
        for number in 0..1_000_000_u32 {
            if number % 50_000 == 0 {
                clock.advance_millis(500);
            }
            let flooding =
                limiter.of_address(Purpose::Failures, Some(Ipv4Addr::from(0x0a00_0000 + number).into()), APP);
            assert_eq!(limiter.take(flooding, RATE, 1), Ok(()));
        }
        assert!(limiter.look(guesser, RATE).is_err());
        assert_eq!(limiter.look(of(&limiter, "198.51.100.7"), RATE), Ok(()));
        let slots: usize = limiter.shards.iter().map(|shard| shard.lock().unwrap().capacity()).sum();
        assert_eq!(slots * size_of::<Slot>(), 4 * 1024 * 1024);
    }
}
