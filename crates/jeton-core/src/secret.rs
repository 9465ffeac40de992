//! The text that a client presents, and the arithmetic check that recognises minted secrets.
//!
//! A minted secret is 64 lower-case hex digits, which are 32 bytes:
//!
//! ```text
//! [prefix "_"]  rrrrrrrrrrrrrrrr rrrrrrrrrrrrrrrr  mmmmmmmmmmmmmmmm mmmmmmmmmmmmmmmm
//!               16 random bytes                    first 16 bytes of HMAC-SHA-256(MAC key, the random bytes)
//! ```
//!
//! So a made-up or mistyped secret is recognised without a look-up. The check does not prove that the token
//! is good: that is for [`decide`](crate::decide()) to say about the token that the digest finds.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// At most this many bytes of a secret are looked up. Minted ones have at most 75.
pub const MAX_SECRET_BYTES: usize = 1024;

/// A foreign secret with fewer characters is too easy to guess to be accepted outside LoopBack.
pub const WEAK_SECRET_CHARS: usize = 32;

const RANDOM_LEN: usize = 16;
const MAC_LEN: usize = 16;
const HEX_LEN: usize = 2 * (RANDOM_LEN + MAC_LEN);

/// A secret in clear, presented by a client or just minted.
///
/// It cannot be cloned, printed or compared, and its memory is wiped when it is dropped.
/// [`expose`](Self::expose) is the only way to read it.
///
/// ```
/// use jeton_core::{MacKey, Secret};
///
/// let (ours, theirs) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
/// let secret = Secret::mint(&ours, &[7; 16], Some(&"demo".parse()?));
/// assert!(secret.expose().starts_with("demo_07070707"));
/// // By arithmetic alone: nothing is looked up.
/// assert!(secret.is_minted_by(&ours) && !secret.is_minted_by(&theirs));
/// // A client may present anything; only an empty or very long text is refused.
/// assert!(!Secret::parse("guessed")?.is_minted_by(&ours));
/// assert!(Secret::parse("").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Secret(Zeroizing<String>);

/// Why a text cannot be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The text is empty.
    #[error("an access token is not empty")]
    Empty,
    /// It has more than [`MAX_SECRET_BYTES`] bytes.
    #[error("an access token has at most 1024 bytes")]
    TooLong,
}

impl Secret {
    /// Takes what a client presented.
    ///
    /// # Errors
    ///
    /// It is empty or too long. Every other text may be a secret: LoopBack's clients choose their own.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        match text.len() {
            0 => Err(SecretError::Empty),
            1..=MAX_SECRET_BYTES => Ok(Secret(Zeroizing::new(text.to_owned()))),
            _ => Err(SecretError::TooLong),
        }
    }

    /// Mints a new secret from 16 unpredictable bytes. The prefix is not covered by the MAC.
    pub fn mint(key: &MacKey, random: &[u8; 16], prefix: Option<&TokenPrefix>) -> Self {
        let mac = key.mac(random);
        let mut text = Zeroizing::new(String::with_capacity(HEX_LEN + 11));
        if let Some(prefix) = prefix {
            text.push_str(prefix.as_str());
            text.push('_');
        }
        for byte in random.iter().chain(&mac) {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        Secret(text)
    }

    /// Whether [`mint`](Self::mint) made it under `key`, by arithmetic alone. Takes the same time for every
    /// MAC.
    pub fn is_minted_by(&self, key: &MacKey) -> bool {
        let Some(bytes) = minted_bytes(&self.0) else {
            return false;
        };
        let mut mac = key.0.clone();
        mac.update(&bytes[..RANDOM_LEN]);
        mac.verify_truncated_left(&bytes[RANDOM_LEN..]).is_ok()
    }

    /// Whether it has the form of minted secrets, under whatever key it was made, if any.
    pub fn looks_minted(&self) -> bool {
        minted_bytes(&self.0).is_some()
    }

    /// Whether a header can carry it, as most clients present it: parsers strip white space at either end,
    /// and headers contain no control characters (RFC 9110 section 5.5).
    pub fn fits_in_header(&self) -> bool {
        let is_white = |letter: char| letter.is_ascii_whitespace();
        !self.0.starts_with(is_white) && !self.0.ends_with(is_white) && !self.0.contains(char::is_control)
    }

    /// Whether it has fewer than [`WEAK_SECRET_CHARS`] characters.
    pub fn is_weak(&self) -> bool {
        // A character has at least one byte, and exactly one in ASCII.
        self.0.len() < WEAK_SECRET_CHARS || !self.0.is_ascii() && self.0.chars().count() < WEAK_SECRET_CHARS
    }

    /// The text in clear. Whatever it is written to then holds a secret.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// An eighth of the text at either end, with dots between: enough for its owner to recognise it.
    ///
    /// For a minted secret this leaves 96 of the 128 random bits unknown. Texts with fewer than 16 characters
    /// become all dots.
    pub fn masked(&self) -> String {
        let chars: Vec<char> = self.0.chars().collect();
        let eighth = if chars.len() < 16 { 0 } else { chars.len() / 8 };
        let (head, tail) = (&chars[..eighth], &chars[chars.len() - eighth..]);
        head.iter().copied().chain("........".chars()).chain(tail.iter().copied()).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The 32 bytes after the optional prefix, if that is 64 lower-case hex digits.
fn minted_bytes(text: &str) -> Option<Zeroizing<[u8; RANDOM_LEN + MAC_LEN]>> {
    let digits = match text.split_once('_') {
        None => text,
        Some((prefix, digits)) => {
            TokenPrefix::from_str(prefix).ok()?;
            digits
        }
    };
    let digits = digits.as_bytes();
    if digits.len() != HEX_LEN {
        return None;
    }
    // Without a branch for each digit: half of those of a random text would be mispredicted, which takes
    // longer than the arithmetic that follows.
    let mut are_digits = true;
    let mut nibble = |digit: u8| {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        let (is_number, is_letter) = (number < 10, letter < 6);
        are_digits &= is_number | is_letter;
        (u8::from(is_number) * number) | (u8::from(is_letter) * letter.wrapping_add(10))
    };
    let mut bytes = Zeroizing::new([0; RANDOM_LEN + MAC_LEN]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
    }
    are_digits.then_some(bytes)
}

/// The key of the arithmetic check. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The key of 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        // An HMAC key may have any length (RFC 2104 section 3), so 32 bytes cannot be refused.
        MacKey(Hmac::new_from_slice(bytes).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")))
    }

    fn mac(&self, random: &[u8; RANDOM_LEN]) -> [u8; MAC_LEN] {
        let mut mac = self.0.clone();
        mac.update(random);
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        std::array::from_fn(|i| whole[i])
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// What an app's secrets start with, so that scanners can find leaked ones: 1 to 10 of `a-z 0-9`.
///
/// An underscore separates it from the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPrefix(String);

/// The text is not a token prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token prefix is 1 to 10 of the characters a-z 0-9")]
pub struct TokenPrefixError;

impl TokenPrefix {
    /// The prefix, without the underscore.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the secret begins with it and the underscore.
    pub fn begins(&self, secret: &Secret) -> bool {
        secret.expose().strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('_'))
    }
}

impl FromStr for TokenPrefix {
    type Err = TokenPrefixError;

    fn from_str(text: &str) -> Result<Self, TokenPrefixError> {
        let fits = (1..=10).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits { Ok(TokenPrefix(text.to_owned())) } else { Err(TokenPrefixError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> MacKey {
        MacKey::new(&[7; 32])
    }

    fn secret(text: &str) -> Secret {
        Secret::parse(text).unwrap()
    }

    #[test]
    fn a_minted_secret_is_sixty_four_hex_digits() {
        let minted = Secret::mint(&key(), &[0xab; 16], None);
        assert_eq!(minted.expose().len(), 64);
        assert!(minted.expose().starts_with(&"ab".repeat(16)));
        assert!(minted.is_minted_by(&key()));
        assert!(!minted.is_minted_by(&MacKey::new(&[8; 32])));
        assert!(minted.looks_minted() && !secret("guessed").looks_minted());
    }

    #[test]
    fn digits_are_those_of_hexadecimal_in_lower_case() {
        for digit in (0..=0x7f).map(char::from) {
            let read = minted_bytes(&digit.to_string().repeat(HEX_LEN)).map(|bytes| *bytes);
            let value = digit.to_digit(16).filter(|_| !digit.is_ascii_uppercase());
            let expected = value.map(|value| [value as u8 * 0x11; RANDOM_LEN + MAC_LEN]);
            assert_eq!(read, expected, "{digit:?}");
        }
    }

    #[test]
    fn a_prefix_is_outside_the_mac() {
        let plain = Secret::mint(&key(), &[1; 16], None);
        let prefixed = Secret::mint(&key(), &[1; 16], Some(&"jt0".parse().unwrap()));
        assert_eq!(prefixed.expose(), format!("jt0_{}", plain.expose()));
        assert!(prefixed.is_minted_by(&key()));
        for bad in ["JT_", "_", "toolongprefix_", "a_b_", "a-b_"] {
            assert!(!secret(&format!("{bad}{}", plain.expose())).is_minted_by(&key()), "{bad}");
            assert!(!secret(&format!("{bad}{}", plain.expose())).looks_minted(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret() {
        assert_eq!(Secret::parse("").err(), Some(SecretError::Empty));
        assert!(Secret::parse(&"x".repeat(1024)).is_ok());
        assert_eq!(Secret::parse(&"x".repeat(1025)).err(), Some(SecretError::TooLong));
        for unfit in [" a", "a ", "\ta", "a\n", "a\r\n", "a\0b", "a\u{7f}", "a\u{85}b"] {
            assert!(!secret(unfit).fits_in_header(), "{unfit:?}");
        }
        for fit in ["a", "a b", "~", "ключ", "a\u{a0}"] {
            assert!(secret(fit).fits_in_header(), "{fit:?}");
        }
        assert!(secret(&"x".repeat(31)).is_weak());
        assert!(!secret(&"x".repeat(32)).is_weak());
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let minted = Secret::mint(&key(), &[3; 16], None);
        assert_eq!(format!("{minted:?} {:?}", key()), "Secret(..) MacKey(..)");
        let masked = minted.masked();
        assert_eq!(masked.len(), 24);
        assert!(masked.starts_with("03030303........"));
        assert_eq!(secret("short secret!").masked(), "........");
    }

    proptest! {
        #[test]
        fn every_minted_secret_passes(random: [u8; 16], prefix in prop::option::of("[a-z0-9]{1,10}")) {
            let prefix = prefix.map(|text| text.parse().unwrap());
            let minted = Secret::mint(&key(), &random, prefix.as_ref());
            prop_assert!(minted.is_minted_by(&key()));
            prop_assert!(secret(minted.expose()).is_minted_by(&key()));
        }

        #[test]
        fn no_single_changed_digit_passes(random: [u8; 16]) {
            let minted = Secret::mint(&key(), &random, None);
            for at in 0..64 {
                for digit in "0123456789abcdefABCDEF g".chars() {
                    let mut text: Vec<char> = minted.expose().chars().collect();
                    if text[at] == digit {
                        continue;
                    }
                    text[at] = digit;
                    let changed: String = text.into_iter().collect();
                    prop_assert!(!secret(&changed).is_minted_by(&key()), "digit {} to {:?}", at, digit);
                }
            }
        }

        #[test]
        fn no_other_text_passes_or_panics(text in "\\PC{1,90}") {
            prop_assert!(!secret(&text).is_minted_by(&key()));
        }
    }
}
