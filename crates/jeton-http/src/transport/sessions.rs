//! Sessions of browsers: who has proved something once need not prove it again with each request.
//!
//! They are in the memory of this process alone: a restart ends them. The browser has the id, the table only
//! a digest of it. There is room for some thousand; who comes when it is full takes the place of the one that
//! was idle for the longest time.

use jeton_core::Secret;
use jeton_service::{Error, Service};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// A session without requests ends after this time.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// Every session ends after this time.
pub(crate) const WHOLE: Duration = Duration::from_secs(12 * 60 * 60);
/// Most sessions at once.
const MOST: usize = 4_096;

/// Sessions that each keep an `S`.
pub(crate) struct Sessions<S> {
    by_digest: Mutex<HashMap<[u8; 32], Session<S>>>,
    most: usize,
}

struct Session<S> {
    kept: S,
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
    pub(crate) fn begin(&self, service: &Service, kept: S) -> Result<Secret, Error> {
        let id = hex(&service.random::<32>()?);
        self.insert(&id, service.monotonic(), kept);
        Ok(id)
    }

    fn insert(&self, id: &Secret, now: Duration, kept: S) {
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= self.most {
            let idle = sessions.iter().min_by_key(|(_, session)| session.last_used);
            let idle = idle.map(|(digest, _)| *digest);
            idle.map(|digest| sessions.remove(&digest));
        }
        sessions.insert(digest(id), Session { kept, begun: now, last_used: now });
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
    let mut text = zeroize::Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap_or_else(|_| unreachable!("a text takes all"));
    }
    Secret::parse(&text).unwrap_or_else(|_| unreachable!("64 digits are within the bounds of a secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Secret {
        hex(&[number; 32])
    }

    #[test]
    fn there_is_room_for_some_and_the_idlest_goes() {
        let sessions = Sessions { by_digest: Mutex::default(), most: 3 };
        let at = Duration::from_secs;
        for number in 1..=3 {
            sessions.insert(&id(number), at(number.into()), number);
        }
        assert_eq!(sessions.visit_at(at(10), &id(1), |kept| *kept), Some(1));
        sessions.insert(&id(4), at(11), 4);
        let left = [1, 2, 3, 4].map(|number| sessions.visit_at(at(12), &id(number), |_| ()).is_some());
        assert_eq!(left, [true, false, true, true]);
        // Those that are over make room first.
        sessions.insert(&id(5), at(12) + IDLE, 5);
        assert_eq!(sessions.lock().len(), 1);
    }

    #[test]
    fn a_session_is_over_at_its_end_and_not_before() {
        let sessions = Sessions { by_digest: Mutex::default(), most: 3 };
        let moment = Duration::from_nanos(1);
        sessions.insert(&id(1), Duration::ZERO, ());
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
