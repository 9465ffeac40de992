//! Paths of original requests, read only in the form that every program behind the gateway reads in the same
//! way.

use std::borrow::Cow;
use std::fmt;

/// The segments of a path, decoded; `None` unless it is in its normal form.
///
/// Programs read other forms differently: what is a segment to one is a slash, a dot or a parameter to the
/// next. A path that is decided here and read otherwise behind the gateway would pass by the wrong rule. So a
/// path is read only if decoding and normalising it (RFC 3986 section 6.2.2) gives it back unchanged. That
/// excludes:
/// - empty segments (`//`, but for a slash at the end), `.` and `..`, however they are written;
/// - an encoded slash, backslash, semicolon or control character, and each of these as itself;
/// - what need not be encoded and is, what must be and is not, lower-case digits in `%`, and bytes that are
///   not UTF-8;
/// - what would decode once more.
///
/// A slash at the end is an empty last segment.
pub(super) fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let segments: Option<Vec<_>> = path.strip_prefix('/')?.split('/').map(segment).collect();
    let segments = segments?;
    let (_, inner) = segments.split_last()?;
    (!inner.iter().any(|segment| segment.is_empty())).then_some(segments)
}

/// One segment, decoded.
pub(super) fn segment(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().all(|byte| byte == b'%' || is_unreserved(byte) || is_delimiter(byte)) {
        return None;
    }
    let decoded = if text.contains('%') { Cow::Owned(decode(text)?) } else { Cow::Borrowed(text) };
    let is_clear =
        !decoded.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\' | ';'));
    (is_clear && decoded != "." && decoded != ".." && !is_encoded(&decoded)).then_some(decoded)
}

/// Unreserved characters (RFC 3986 section 2.3): encoding them changes nothing but the form.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The other characters that a segment may contain unencoded (section 3.3), except the semicolon, after which
/// some programs read parameters.
fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { octet(rest.next()?, rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

/// The byte that two digits encode, if they are in the normal form of a byte that must be encoded.
fn octet(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let octet = value(high)? << 4 | value(low)?;
    (!is_unreserved(octet)).then_some(octet)
}

/// A segment as a path in its normal form contains it.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match char::from(byte) {
            letter if is_unreserved(byte) || is_delimiter(byte) => write!(f, "{letter}"),
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

/// Whether decoding would change it.
fn is_encoded(text: &str) -> bool {
    text.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normal_forms() {
        for (path, expected) in [
            ("/", &[""][..]),
            ("/v1/demo/datastreams/7", &["v1", "demo", "datastreams", "7"]),
            ("/a/", &["a", ""]),
            ("/a%20b/%C3%A9/%E4%BD%A0", &["a b", "\u{e9}", "\u{4f60}"]),
            ("/a@b:c/$&'()*+,=!/~-._", &["a@b:c", "$&'()*+,=!", "~-._"]),
            ("/%40/100%25", &["@", "100%"]),
            ("/...", &["..."]),
            ("/%3Fa%23", &["?a#"]),
        ] {
            assert_eq!(segments(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn other_forms() {
        for path in [
            "",
            "a",
            "*",
            "http://a/b",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/%2e",
            "/%2E",
            "/%2E%2E/a",
            "/.%2E",
            "/%2Fa",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/a;b",
            "/a%3Bb",
            "/%61",
            "/%7E",
            "/a%c3%a9",
            "/%C3",
            "/%00",
            "/%0A",
            "/%7F",
            "/a\u{e9}",
            "/a b",
            "/%",
            "/%4",
            "/%4g",
            "/%252e",
            "/%252F",
            "/a?b",
            "/a#b",
            "/a\"b",
            "/<a>",
            "/a|b",
            "/[a]",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_has_one_form(path in "/[a-c./%2EFef5C;]{0,12}") {
            if let Some(segments) = segments(&path) {
                // Decoding the whole path before splitting it gives the same; so does normalising first, or
                // decoding again.
                let decoded = decode(&path).unwrap();
                prop_assert_eq!(decoded[1..].split('/').collect::<Vec<_>>(), segments.clone());
                prop_assert!(segments.iter().all(|segment| *segment != "." && *segment != ".."));
                prop_assert!(!is_encoded(&decoded));
            }
        }
    }
}
