//! Names and numbers that identify things.

use std::fmt;
use std::str::FromStr;

/// The largest integer that every published client reads exactly: 2^53 - 1, the last safe JavaScript integer.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The id `number`; `None` unless 1 <= `number` <= [`MAX_INTEGER`].
            pub const fn new(number: i64) -> Option<Self> {
                if number < 1 || number > MAX_INTEGER { None } else { Some(Self(number)) }
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numbered!(
    /// The number of a token: ascending in the order of issue within a store, and never reused.
    ///
    /// ```
    /// use jeton_core::{MAX_INTEGER, TokenId};
    ///
    /// assert_eq!(TokenId::new(7).map(TokenId::get), Some(7));
    /// // JavaScript reads it exactly, and 0 is not used.
    /// assert!(TokenId::new(0).is_none() && TokenId::new(MAX_INTEGER + 1).is_none());
    /// ```
    TokenId
);
numbered!(
    /// The internal number of an app. An app that reuses a deleted app's key gets a new number.
    AppId
);
numbered!(
    /// The number of an operator.
    OperatorId
);

/// The public name of an app: `appKey`, Dotide's database, LoopBack's application.
///
/// 1 to 100 of `A-Z a-z 0-9 . _ -`, the first one a letter or digit. Case matters.
///
/// ```
/// use jeton_core::AppKey;
///
/// assert_eq!("my-shop.2".parse::<AppKey>()?.as_str(), "my-shop.2");
/// assert!("-shop".parse::<AppKey>().is_err());
/// # Ok::<(), jeton_core::AppKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey(String);

/// The text is not a valid app key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an app key is 1 to 100 of the characters A-Z a-z 0-9 . _ - and starts with a letter or digit")]
pub struct AppKeyError;

impl AppKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<AppKey> for String {
    fn from(key: AppKey) -> String {
        key.0
    }
}

impl FromStr for AppKey {
    type Err = AppKeyError;

    fn from_str(text: &str) -> Result<Self, AppKeyError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        match text.as_bytes() {
            [first, ..]
                if first.is_ascii_alphanumeric() && text.len() <= 100 && text.bytes().all(allowed) =>
            {
                Ok(AppKey(text.to_owned()))
            }
            _ => Err(AppKeyError),
        }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user of an app, named by the app: an integer or a text.
///
/// A text that is the canonical decimal form of a 64-bit integer is that integer, so the text form of a user
/// id determines it: `parse(id.to_string()) == id`.
///
/// ```
/// use jeton_core::UserId;
///
/// assert_eq!("42".parse::<UserId>()?, UserId::from_integer(42));
/// // Not the canonical form, so a text.
/// assert_ne!("042".parse::<UserId>()?, UserId::from_integer(42));
/// # Ok::<(), jeton_core::UserIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(UserIdForm);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum UserIdForm {
    Integer(i64),
    Text(String),
}

/// Why a value is not a user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserIdError {
    /// The text is empty.
    #[error("a user id is not empty")]
    Empty,
    /// The text has more than 255 code points.
    #[error("a user id has at most 255 characters")]
    TooLong,
    /// The text holds a control character.
    #[error("a user id holds no control characters")]
    Control,
}

impl UserId {
    /// The user with this number.
    pub const fn from_integer(number: i64) -> Self {
        UserId(UserIdForm::Integer(number))
    }

    /// The number, if the id is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self.0 {
            UserIdForm::Integer(number) => Some(number),
            UserIdForm::Text(_) => None,
        }
    }

    /// The number, if every JSON parser reads it exactly: its absolute value is at most [`MAX_INTEGER`].
    /// JavaScript's parser would turn a larger one into another user.
    pub fn as_safe_integer(&self) -> Option<i64> {
        self.as_integer().filter(|number| number.unsigned_abs() <= MAX_INTEGER.unsigned_abs())
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<Self, UserIdError> {
        if text.is_empty() {
            return Err(UserIdError::Empty);
        }
        if text.chars().count() > 255 {
            return Err(UserIdError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(UserIdError::Control);
        }
        // Canonical means that printing the number gives the text back: no plus sign, no leading zero, no
        // "-0".
        let form = match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => UserIdForm::Integer(number),
            _ => UserIdForm::Text(text.to_owned()),
        };
        Ok(UserId(form))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            UserIdForm::Integer(number) => number.fmt(f),
            UserIdForm::Text(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn app_keys() {
        for good in ["demo", "a", "bf392318-af92-4056-8ac2-8bd4a5a2f2b4", "App_1.x", &"k".repeat(100)] {
            assert_eq!(good.parse::<AppKey>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "ä", "a%2f", &"k".repeat(101)] {
            assert_eq!(bad.parse::<AppKey>(), Err(AppKeyError), "{bad}");
        }
    }

    #[test]
    fn ids_are_positive_and_exact_in_javascript() {
        assert_eq!(TokenId::new(0), None);
        assert_eq!(TokenId::new(MAX_INTEGER).map(TokenId::get), Some(MAX_INTEGER));
        assert_eq!(TokenId::new(MAX_INTEGER + 1), None);
    }

    #[test]
    fn canonical_decimals_are_integers_everywhere() {
        let integer = |text: &str| text.parse::<UserId>().unwrap().as_integer();
        assert_eq!(integer("7"), Some(7));
        assert_eq!(integer("-7"), Some(-7));
        assert_eq!(integer("0"), Some(0));
        assert_eq!(integer("9007199254740991"), Some(MAX_INTEGER));
        assert_eq!(integer("9007199254740993"), Some(MAX_INTEGER + 2));
        assert_eq!(integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        let texts =
            ["9223372036854775808", "-9223372036854775809", "07", "+7", "-0", "7.0", "1e3", " 7", "seven"];
        for text in texts {
            assert_eq!(integer(text), None, "{text}");
        }
        assert_eq!("7".parse(), Ok(UserId::from_integer(7)));
        assert_eq!(UserId::from_integer(-MAX_INTEGER).as_safe_integer(), Some(-MAX_INTEGER));
        assert_eq!(UserId::from_integer(MAX_INTEGER + 1).as_safe_integer(), None);
        assert_eq!(UserId::from_integer(i64::MIN).as_safe_integer(), None);
        assert_eq!("".parse::<UserId>(), Err(UserIdError::Empty));
        assert_eq!("a\nb".parse::<UserId>(), Err(UserIdError::Control));
    }

    proptest! {
        #[test]
        fn the_text_of_a_user_id_determines_it(text in "[0-9a-z+-]{1,20}") {
            let id: UserId = text.parse().unwrap();
            prop_assert_eq!(id.to_string(), text.clone());
            prop_assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        }

        #[test]
        fn every_integer_is_a_user_of_its_own(number: i64) {
            let id = UserId::from_integer(number);
            prop_assert_eq!(id.as_integer(), Some(number));
            prop_assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        }
    }
}
