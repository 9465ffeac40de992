//! Sessions of browsers: who has proved something once need not prove it again with each request.
//!
//! They are in the memory of this process alone: a restart ends them. The browser has the id, the table only
//! a digest of it. There is room for some thousand. Nobody has more than a few, and when all places are taken,
//! the party with the most gives up the one that was idle for the longest time.

use jeton_core::Secret;
use jeton_service::{Error, Service};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// A session without requests ends after this time.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// Every session ends after this time.
pub(crate) const WHOLE: Duration = Duration::from_secs(12 * 60 * 60);
/// Most sessions at once.
const MOST: usize = 4_096;
/// Most sessions of one holder.
const MOST_OF_ONE: usize = 16;

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Holder {
    /// The party that it counts for when room is made: an app, however many tokens it has.
    pub(crate) party: i64,
    /// The token, or operator.
    pub(crate) id: i64,
}

/// Sessions that each keep an `S`.
pub(crate) struct Sessions<S> {
    by_digest: Mutex<HashMap<[u8; 32], Session<S>>>,
    most: usize,
}

struct Session<S> {
    kept: S,
    holder: Holder,
    /// Both by the monotonic clock.
    begun: Duration,
    last_used: Duration,
}

impl<S> Sessions<S> {
    /// No session.
    pub(crate) fn new() -> Self {
        Sessions { by_digest: Mutex::default(), most: MOST }
    }

    /// Begins a session, and answers its id: 32 unpredictable bytes.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn begin(&self, service: &Service, holder: Holder, kept: S) -> Result<Secret, Error> {
        let id = hex(&service.random::<32>()?);
        self.insert(&id, service.monotonic(), holder, kept);
        Ok(id)
    }

    fn insert(&self, id: &Secret, now: Duration, holder: Holder, kept: S) {
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.values().filter(|session| session.holder == holder).count() >= MOST_OF_ONE {
            end_idlest(&mut sessions, |of| of == holder);
        } else if sessions.len() >= self.most {
            let party = largest_party(&sessions);
            end_idlest(&mut sessions, |of| Some(of.party) == party);
        }
        sessions.insert(digest(id), Session { kept, holder, begun: now, last_used: now });
    }

    /// Uses a session, from when on its idle time counts anew. `None`: there is none with this id any more.
    pub(crate) fn visit<R>(
        &self,
        service: &Service,
        id: &Secret,
        visit: impl FnOnce(&mut S) -> R,
    ) -> Option<R> {
        self.visit_at(service.monotonic(), id, visit)
    }

    fn visit_at<R>(&self, now: Duration, id: &Secret, visit: impl FnOnce(&mut S) -> R) -> Option<R> {
        let digest = digest(id);
        let mut sessions = self.lock();
        let session = sessions.get_mut(&digest)?;
        if session.is_over(now) {
            sessions.remove(&digest);
            return None;
        }
        session.last_used = now;
        Some(visit(&mut session.kept))
    }

    /// Ends a session, if it is there.
    pub(crate) fn end(&self, id: &Secret) {
        self.lock().remove(&digest(id));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session<S>>> {
        self.by_digest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The party with the most sessions.
fn largest_party<S>(sessions: &HashMap<[u8; 32], Session<S>>) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for session in sessions.values() {
        *counts.entry(session.holder.party).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(party, _)| party)
}

/// Ends the session that was idle for the longest time, of these holders.
fn end_idlest<S>(sessions: &mut HashMap<[u8; 32], Session<S>>, is_theirs: impl Fn(Holder) -> bool) {
    let theirs = sessions.iter().filter(|(_, session)| is_theirs(session.holder));
    let idlest = theirs.min_by_key(|(_, session)| session.last_used).map(|(digest, _)| *digest);
    if let Some(digest) = idlest {
        sessions.remove(&digest);
    }
}

impl<S> Session<S> {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.last_used) >= IDLE || now.saturating_sub(self.begun) >= WHOLE
    }
}

impl<S> fmt::Debug for Sessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.lock().len())
    }
}

/// What the forms of a session have in them, to show that they are its own. Whoever knows it does not know
/// the id.
pub(crate) fn form_key(id: &Secret) -> Secret {
    hex(&Sha256::new().chain_update("form key\0").chain_update(id.expose()).finalize().into())
}

/// Whether a form has the key of this session, in a time that does not depend on how much of it is right.
pub(crate) fn is_form_key(id: &Secret, sent: &str) -> bool {
    form_key(id).expose().as_bytes().ct_eq(sent.as_bytes()).into()
}

fn digest(id: &Secret) -> [u8; 32] {
    Sha256::digest(id.expose()).into()
}

fn hex(bytes: &[u8; 32]) -> Secret {
    let text = zeroize::Zeroizing::new(base16ct::lower::encode_string(bytes));
    Secret::parse(&text).unwrap_or_else(|_| unreachable!("64 digits are within the bounds of a secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Secret {
        hex(&[number; 32])
    }

    fn holder(party: i64, id: i64) -> Holder {
        Holder { party, id }
    }

    #[test]
    fn there_is_room_for_some_and_the_idlest_goes() {
        let sessions = Sessions { by_digest: Mutex::default(), most: 3 };
        let at = Duration::from_secs;
        for number in 1..=3 {
            sessions.insert(&id(number), at(number.into()), holder(1, number.into()), number);
        }
        assert_eq!(sessions.visit_at(at(10), &id(1), |kept| *kept), Some(1));
        sessions.insert(&id(4), at(11), holder(1, 4), 4);
        let left = [1, 2, 3, 4].map(|number| sessions.visit_at(at(12), &id(number), |_| ()).is_some());
        assert_eq!(left, [true, false, true, true]);
        // Those that are over make room first.
        sessions.insert(&id(5), at(12) + IDLE, holder(1, 5), 5);
        assert_eq!(sessions.lock().len(), 1);
    }

    #[test]
    fn who_has_the_most_makes_room_and_nobody_has_more_than_some() {
        let sessions = Sessions { by_digest: Mutex::default(), most: 20 };
        let at = Duration::from_secs;
        sessions.insert(&id(0), at(0), holder(1, 1), ());
        // Many tokens of another app, each with a session.
        for number in 1..=40_u8 {
            sessions.insert(&id(number), at(number.into()), holder(2, number.into()), ());
        }
        let is_there = |number| sessions.lock().contains_key(&digest(&id(number)));
        assert!(is_there(0) && !is_there(1) && is_there(40));
        // One token with many sessions.
        let sessions = Sessions { by_digest: Mutex::default(), most: 1_000 };
        for number in 0..=MOST_OF_ONE {
            let number = u8::try_from(number).unwrap();
            sessions.insert(&id(number), at(number.into()), holder(1, 1), ());
        }
        assert_eq!(sessions.lock().len(), MOST_OF_ONE);
        assert!(!sessions.lock().contains_key(&digest(&id(0))));
    }

    #[test]
    fn a_session_is_over_at_its_end_and_not_before() {
        let sessions = Sessions { by_digest: Mutex::default(), most: 3 };
        let moment = Duration::from_nanos(1);
        sessions.insert(&id(1), Duration::ZERO, holder(1, 1), ());
        assert!(sessions.visit_at(IDLE - moment, &id(1), |()| ()).is_some());
        assert!(sessions.visit_at(IDLE - moment + IDLE, &id(1), |()| ()).is_none());
        assert!(sessions.lock().is_empty());
    }

    #[test]
    fn a_form_key_is_of_one_session() {
        let (one, other) = (id(1), id(2));
        let key = form_key(&one);
        assert!(is_form_key(&one, key.expose()) && !is_form_key(&other, key.expose()));
        assert!(!is_form_key(&one, "") && !is_form_key(&one, one.expose()));
        assert!(!format!("{:?}", Sessions::<()>::new()).contains(one.expose()));
    }
}
