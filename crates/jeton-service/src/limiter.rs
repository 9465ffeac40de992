//! How often something may happen: one limiter for whatever is bounded by address and app.
//!
//! What each of them has left is one instant (the generic cell rate algorithm: GCRA): the one at which it would have everything
//! again. Within a minute, or whatever period a [`Rate`] names, so much may happen at once, and as much again as the period goes by.
//!
//! **Memory.** A table of [`SLOTS`] slots of 16 bytes, 4 MiB, of which the system gives only what was used, whoever calls and
//! from however many addresses. A slot is free again once its instant has come, so that what happens `n` times a second takes `n`
//! times the seconds that one of it costs: at 60 failures a minute, one second each, a table is half full at 131,072 failures a
//! second, more than two cores answer. Beyond that, of the eight slots that a key may have, the one that owes least is given away:
//! whoever is far over a limit stays there, and those who never did anything owe nothing.
//!
//! **Addresses.** IPv6 addresses count by their first 64 bits, which one site has to itself. Keys are hashed with a secret of the
//! process, so that nobody can aim at another's slot.
//!
//! A limiter is of one process: several servers of one database allow as many times as much.

use jeton_core::Clock;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many keys can owe something at a time.
const SLOTS: usize = 1 << 18;
/// In how many of them one key is looked for.
const WAYS: usize = 8;
/// How many parts of the table are locked on their own.
const SHARDS: usize = 64;

/// What is bounded. Each has its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Credentials that are none.
    Failures,
    /// The same of what is presented on LoopBack, where a token that is none is nobody's.
    FailuresOnLoopBack,
    /// Tokens of operators that are none.
    FailuresOfOperators,
    /// Rows that are written by whom no rule names.
    AnonymousWrites,
}

/// So many in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; 0: none ever.
    pub most: u64,
    /// In which time.
    pub per: Duration,
}

impl Rate {
    /// So many in a minute.
    pub const fn per_minute(most: u64) -> Self {
        Rate { most, per: Duration::from_secs(60) }
    }

    /// So many in an hour.
    pub const fn per_hour(most: u64) -> Self {
        Rate { most, per: Duration::from_secs(3_600) }
    }

    /// How many nanoseconds one of them takes.
    fn cost(self) -> u64 {
        nanos(self.per).checked_div(self.most).unwrap_or(u64::MAX)
    }
}

/// It is too much: it may be tried again after so many whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// After how many seconds.
    pub retry_seconds: u64,
}

/// Whose account it is, for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account(u64);

/// The accounts of whoever has used up anything.
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

    /// The account of an address, or of all whose address is not known, at an app.
    pub(crate) fn of_address(&self, purpose: Purpose, address: Option<IpAddr>, app: &str) -> Account {
        Account(self.hasher.hash_one((purpose, Some(address.map(site)), app)))
    }

    /// The account of an app, wherever its clients are.
    pub(crate) fn of_app(&self, purpose: Purpose, app: &str) -> Account {
        Account(self.hasher.hash_one((purpose, None::<Option<IpAddr>>, app)))
    }

    /// Whether one more may happen.
    pub(crate) fn look(&self, account: Account, rate: Rate) -> Result<(), TooOften> {
        let now = nanos(self.clock.monotonic());
        has_room(self.with(account, now, |owed| *owed), now, rate)
    }

    /// Counts what happens, however much that is: what comes in large portions is then waited for, and not refused for good.
    pub(crate) fn charge(&self, account: Account, rate: Rate, count: u64) {
        let now = nanos(self.clock.monotonic());
        self.with(account, now, |owed| *owed = owing(*owed, now, rate, count));
    }

    /// Does something with what an account owes.
    fn with<T>(&self, Account(key): Account, now: u64, act: impl FnOnce(&mut u64) -> T) -> T {
        // 0 stands for nobody.
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

/// What of an address one site has to itself.
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

    /// A million addresses: no more is remembered, nobody who did nothing is refused, and the one that was far over stays so.
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
