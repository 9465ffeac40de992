//! Lists of the addresses from which tokens may be used.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// At most this many blocks in a list. Each use from an address is compared with all of them.
pub const MAX_ALLOWED_ADDRESSES: usize = 64;

/// A block of addresses in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3), such as `192.0.2.0/24`
/// or `2001:db8::/32`. An address alone is the block that contains nothing else.
///
/// IPv4-mapped IPv6 addresses are IPv4, in blocks as in what is compared with them: `::ffff:192.0.2.0/120` is
/// `192.0.2.0/24`, and no IPv6 block contains an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressBlock {
    first: IpAddr,
    length: u8,
}

/// Why something is not a list of blocks. The texts quote nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.wanted())]
pub enum AddressError {
    /// It is not in CIDR notation.
    Form,
    /// An address has bits set after the length of the block's prefix. Most often another length was meant,
    /// so the block is not guessed.
    HostBits,
    /// More than [`MAX_ALLOWED_ADDRESSES`] blocks.
    TooMany,
}

impl AddressError {
    /// What the list must be instead.
    pub const fn wanted(self) -> &'static str {
        match self {
            AddressError::Form => {
                "must be a list of addresses and CIDR blocks, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"
            }
            AddressError::HostBits => {
                "must name each block by its first address: 10.0.0.0/8, where it has 10.1.2.3/8"
            }
            AddressError::TooMany => "must have at most 64 addresses and blocks",
        }
    }
}

impl AddressBlock {
    /// Whether it contains this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let other = first.to_bits() ^ address.to_bits();
                other & !after_prefix_4(self.length) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let other = first.to_bits() ^ address.to_bits();
                other & !after_prefix_6(self.length) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether it contains each address of this block.
    pub fn covers(&self, other: &AddressBlock) -> bool {
        self.length <= other.length && self.contains(other.first)
    }
}

/// The bits that are not part of a prefix of this length.
fn after_prefix_4(length: u8) -> u32 {
    u32::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

fn after_prefix_6(length: u8) -> u128 {
    u128::MAX.checked_shr(u32::from(length)).unwrap_or(0)
}

impl FromStr for AddressBlock {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(prefix_length(length).ok_or(AddressError::Form)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| AddressError::Form)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(longest);
        if length > longest {
            return Err(AddressError::Form);
        }
        let (first, length) = match address {
            IpAddr::V6(mapped) if length >= MAPPED => match mapped.to_ipv4_mapped() {
                Some(address) => (IpAddr::V4(address), length - MAPPED),
                None => (IpAddr::V6(mapped), length),
            },
            address => (address, length),
        };
        let is_first = match first {
            IpAddr::V4(first) => first.to_bits() & after_prefix_4(length) == 0,
            IpAddr::V6(first) => first.to_bits() & after_prefix_6(length) == 0,
        };
        if is_first { Ok(AddressBlock { first, length }) } else { Err(AddressError::HostBits) }
    }
}

/// The length of the prefix of all IPv4-mapped addresses (RFC 4291 section 2.5.5.2).
const MAPPED: u8 = 96;

/// Digits alone, without superfluous zeros, so that a block has one spelling.
fn prefix_length(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

/// The blocks of addresses from which a token, or the tokens of an app, may be used: at least one, at most
/// [`MAX_ALLOWED_ADDRESSES`]. Clones share them.
///
/// ```
/// use jeton_core::{AddressError, AllowedAddresses};
///
/// let allowed = AllowedAddresses::parse(["192.0.2.0/24", "2001:db8::7"])?.expect("it is not empty");
/// assert!(allowed.allow([192, 0, 2, 9].into()));
/// assert!(!allowed.allow([198, 51, 100, 1].into()));
/// assert_eq!(allowed.to_string(), "192.0.2.0/24,2001:db8::7/128");
/// assert_eq!(AllowedAddresses::parse(["192.0.2.9/24"]), Err(AddressError::HostBits));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedAddresses(Arc<[AddressBlock]>);

impl AllowedAddresses {
    /// The list of these blocks, in their order, each once; `None` if there are none: then no list bounds
    /// anything.
    ///
    /// # Errors
    ///
    /// More than [`MAX_ALLOWED_ADDRESSES`], counted before equal ones are dropped.
    pub fn new(blocks: Vec<AddressBlock>) -> Result<Option<Self>, AddressError> {
        if blocks.len() > MAX_ALLOWED_ADDRESSES {
            return Err(AddressError::TooMany);
        }
        let mut kept: Vec<AddressBlock> = Vec::with_capacity(blocks.len());
        for block in blocks {
            if !kept.contains(&block) {
                kept.push(block);
            }
        }
        Ok((!kept.is_empty()).then(|| AllowedAddresses(kept.into())))
    }

    /// The same of texts.
    ///
    /// # Errors
    ///
    /// The first of them that is not a block, or too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Option<Self>, AddressError> {
        // One more than allowed is enough to refuse, however many there are.
        let texts = texts.into_iter().take(MAX_ALLOWED_ADDRESSES + 1);
        Self::new(texts.map(str::parse::<AddressBlock>).collect::<Result<_, _>>()?)
    }

    /// The blocks.
    pub fn blocks(&self) -> &[AddressBlock] {
        &self.0
    }

    /// Whether a block contains this address.
    pub fn allow(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(address))
    }

    /// Whether each block of `other` lies within one of these blocks. `false` also for a block that only
    /// several of these contain together.
    pub fn cover(&self, other: &AllowedAddresses) -> bool {
        other.0.iter().all(|inner| self.0.iter().any(|outer| outer.covers(inner)))
    }

    /// Their memory in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.0) + 2 * size_of::<usize>()
    }
}

/// The blocks with commas between, as stores write them.
impl fmt::Display for AllowedAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, block) in self.0.iter().enumerate() {
            write!(f, "{}{block}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn block(text: &str) -> AddressBlock {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn list(texts: &[&str]) -> AllowedAddresses {
        AllowedAddresses::parse(texts.iter().copied()).unwrap().unwrap()
    }

    #[test]
    fn blocks_have_one_spelling() {
        for (text, written) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/32", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.128.0.0/9", "10.128.0.0/9"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(block(text).to_string(), written);
            assert_eq!(block(written), block(text));
        }
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0.0/256",
            "10.0.0/8",
            "010.0.0.0/8",
            "10.0.0.0 /8",
            " 10.0.0.0/8",
            "::/129",
            "fe80::1%eth0",
            "[::1]",
            "localhost",
            "*",
            "10.0.0.0/255.0.0.0",
        ] {
            assert_eq!(text.parse::<AddressBlock>(), Err(AddressError::Form), "{text}");
        }
        for text in ["10.1.2.3/8", "192.0.2.1/0", "2001:db8::1/64", "::1/0", "::ffff:192.0.2.1/120"] {
            assert_eq!(text.parse::<AddressBlock>(), Err(AddressError::HostBits), "{text}");
        }
        // It begins with bits of the mapped prefix.
        assert_eq!("::ffff:0:0/90".parse::<AddressBlock>(), Err(AddressError::HostBits));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert!(block("192.0.2.0/24").contains(mapped));
        assert!(block("::ffff:192.0.2.0/120").contains([192, 0, 2, 7].into()));
        assert!(!block("::/0").contains(mapped) && !block("::/0").contains([192, 0, 2, 7].into()));
        assert!(!block("0.0.0.0/0").contains("::1".parse().unwrap()));
    }

    #[test]
    fn lists_are_short_and_keep_their_order() {
        assert_eq!(AllowedAddresses::parse([]), Ok(None));
        assert_eq!(
            list(&["2001:db8::/32", "10.0.0.0/8", "10.0.0.0/8"]).to_string(),
            "2001:db8::/32,10.0.0.0/8"
        );
        let texts: Vec<String> = (0..=MAX_ALLOWED_ADDRESSES).map(|n| format!("10.0.0.{n}")).collect();
        let parse = |count: usize| AllowedAddresses::parse(texts.iter().take(count).map(String::as_str));
        assert!(parse(MAX_ALLOWED_ADDRESSES).is_ok());
        assert_eq!(parse(MAX_ALLOWED_ADDRESSES + 1), Err(AddressError::TooMany));
        assert!(AddressError::TooMany.wanted().contains(&MAX_ALLOWED_ADDRESSES.to_string()));
        assert_eq!(AllowedAddresses::parse(["10.0.0.0/8", "x"]), Err(AddressError::Form));
    }

    #[test]
    fn what_lies_within_what() {
        let wide = list(&["10.0.0.0/8", "2001:db8::/32"]);
        for within in [&["10.0.0.0/8"][..], &["10.1.0.0/16", "2001:db8:7::/48"], &["10.9.9.9", "10.8.0.0/13"]]
        {
            assert!(wide.cover(&list(within)), "{within:?}");
        }
        for beyond in [&["11.0.0.0/8"][..], &["10.0.0.0/7"], &["10.0.0.0/8", "192.0.2.1"], &["::/0"]] {
            assert!(!wide.cover(&list(beyond)), "{beyond:?}");
        }
    }

    fn any_block() -> impl Strategy<Value = AddressBlock> {
        // Close to each other, so that many of them overlap.
        let four = (any::<u8>(), 24_u8..=32).prop_map(|(last, length)| {
            let first = Ipv4Addr::new(192, 0, 2, last).to_bits() & !after_prefix_4(length);
            AddressBlock { first: Ipv4Addr::from_bits(first).into(), length }
        });
        let six = (any::<u8>(), 112_u8..=128).prop_map(|(last, length)| {
            let first = ((0x2001_0db8_u128 << 96) | u128::from(last)) & !after_prefix_6(length);
            AddressBlock { first: Ipv6Addr::from_bits(first).into(), length }
        });
        prop_oneof![four, six]
    }

    fn any_list() -> impl Strategy<Value = AllowedAddresses> {
        prop::collection::vec(any_block(), 1..5)
            .prop_map(|blocks| AllowedAddresses::new(blocks).unwrap().unwrap())
    }

    proptest! {
        #[test]
        fn blocks_are_read_as_they_are_written(block in any_block()) {
            prop_assert_eq!(block.to_string().parse(), Ok(block));
        }

        #[test]
        fn what_is_covered_allows_nothing_else(outer in any_list(), inner in any_list(), last in any::<u8>()) {
            let addresses = [
                IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
                IpAddr::V6(Ipv4Addr::new(192, 0, 2, last).to_ipv6_mapped()),
                IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | u128::from(last))),
            ];
            for address in addresses {
                prop_assert!(!outer.cover(&inner) || !inner.allow(address) || outer.allow(address));
                prop_assert_eq!(outer.allow(address), outer.allow(address.to_canonical()));
            }
        }
    }
}
