//! From when and from where a token may be used.

use crate::addresses::AllowedAddresses;
use crate::time::Timestamp;

/// From when and from where a token may be used. `Default`: always and everywhere, as most are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// It is not valid before this instant; `None`: valid at once.
    pub not_before: Option<Timestamp>,
    /// It is valid only from these addresses; `None`: from any.
    pub allowed_addresses: Option<AllowedAddresses>,
}

impl Bounds {
    /// None.
    pub const NONE: Bounds = Bounds { not_before: None, allowed_addresses: None };

    /// Whether there are none.
    pub const fn is_none(&self) -> bool {
        self.not_before.is_none() && self.allowed_addresses.is_none()
    }

    /// These bounds, if there are any.
    pub fn some(&self) -> Option<&Self> {
        (!self.is_none()).then_some(self)
    }

    /// Whether no token with these bounds begins earlier than one with the `outer` bounds.
    pub fn begin_within(&self, outer: &Bounds) -> bool {
        // No beginning is the earliest.
        self.not_before >= outer.not_before
    }

    /// Whether each address that these bounds allow is one that the `outer` bounds allow.
    pub fn lie_within(&self, outer: &Bounds) -> bool {
        match (&self.allowed_addresses, &outer.allowed_addresses) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => outer.cover(inner),
        }
    }

    /// These bounds, and where they say nothing, or begin earlier, the `outer` ones.
    #[must_use]
    pub fn within(self, outer: &Bounds) -> Self {
        Bounds {
            not_before: self.not_before.max(outer.not_before),
            allowed_addresses: self.allowed_addresses.or_else(|| outer.allowed_addresses.clone()),
        }
    }

    /// Whether a token with these bounds that expires then (`None`: never) is ever valid.
    pub fn begin_before(&self, expires_at: Option<Timestamp>) -> bool {
        match (self.not_before, expires_at) {
            (Some(not_before), Some(expires_at)) => not_before < expires_at,
            (None, _) | (_, None) => true,
        }
    }

    /// Their memory on the heap in bytes.
    pub fn bytes(&self) -> usize {
        self.allowed_addresses.as_ref().map_or(0, AllowedAddresses::bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_outside() {
        let at = |millis| Timestamp::from_millis(millis);
        let from = |text: &str| AllowedAddresses::parse([text]).unwrap();
        let outer = Bounds { not_before: at(5), allowed_addresses: from("10.0.0.0/8") };
        let later = Bounds { not_before: at(9), allowed_addresses: from("10.1.0.0/16") };
        assert_eq!(Bounds::NONE.within(&outer), outer);
        assert_eq!(later.clone().within(&outer), later);
        assert_eq!(later.clone().within(&Bounds::NONE), later);
        let beyond = Bounds { not_before: at(1), allowed_addresses: from("192.0.2.1") };
        assert_eq!(beyond.clone().within(&outer), Bounds { not_before: at(5), ..beyond.clone() });
        for (bounds, begin, lie) in [
            (&outer, true, true),
            (&later, true, true),
            (&beyond, false, false),
            (&Bounds::NONE, false, false),
        ] {
            assert_eq!((bounds.begin_within(&outer), bounds.lie_within(&outer)), (begin, lie), "{bounds:?}");
            assert!(bounds.begin_within(&Bounds::NONE) && bounds.lie_within(&Bounds::NONE));
        }
    }
}
