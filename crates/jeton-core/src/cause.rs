//! The causes of changes.

use crate::actor::Actor;
use std::net::IpAddr;

/// Who makes a change, and from where, as the change log records it.
///
/// The address is for operators alone: nothing that an app's own callers can read contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who.
    pub actor: Actor,
    address: Option<IpAddr>,
}

impl Cause {
    /// A command on the machine that holds the data.
    pub const CLI: Cause = Cause { actor: Actor::Cli, address: None };
    /// The service itself, applying the retention settings.
    pub const RETENTION: Cause = Cause { actor: Actor::Retention, address: None };

    /// An actor at this address; `None`: it is not known.
    pub fn new(actor: Actor, address: Option<IpAddr>) -> Self {
        Cause { actor, address: address.map(|address| address.to_canonical()) }
    }

    /// An actor that has no address, or none that is known.
    pub const fn nowhere(actor: Actor) -> Self {
        Cause { actor, address: None }
    }

    /// The address of the client; `None`: it is not known, or there is none. IPv4-mapped addresses are IPv4.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        let cause = |address: &str| Cause::new(Actor::Client, Some(address.parse().unwrap()));
        assert_eq!(cause("::ffff:192.0.2.1"), cause("192.0.2.1"));
        assert_eq!(cause("2001:DB8:0::1").address().unwrap().to_string(), "2001:db8::1");
        assert_eq!((Cause::new(Actor::Cli, None), Cause::CLI.address()), (Cause::CLI, None));
    }
}
