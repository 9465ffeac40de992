//! Paths and queries, percent-decoded.

use percent_encoding::percent_decode_str;

/// The percent-decoded segments of a path below `prefix`. A trailing slash adds none. `None`: a segment is
/// not UTF-8 once decoded.
pub(crate) fn segments(path: &str, prefix: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix(prefix)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8().ok().map(String::from);
    rest.strip_prefix('/')?.split('/').map(decode).collect()
}

/// The pairs of an `application/x-www-form-urlencoded` text, a query or a body, in order. `None`: it is not
/// UTF-8 once decoded.
pub(crate) fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        String::from_utf8(percent_encoding::percent_decode(&spaced).collect()).ok()
    };
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            Some((decode(&pair[..at])?, decode(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_each_on_its_own() {
        let texts = |path: &str| segments(path, "/AccessToken");
        assert_eq!(texts("/AccessToken/a%2Fb/7"), Some(vec!["a/b".to_owned(), "7".to_owned()]));
        assert_eq!(texts("/AccessToken/demo/"), Some(vec!["demo".to_owned()]));
        assert_eq!(texts("/AccessToken"), Some(vec![]));
        assert_eq!(texts("/AccessToken/"), Some(vec![]));
        assert_eq!(texts("/AccessToken//7"), Some(vec![String::new(), "7".to_owned()]));
        assert_eq!(texts("/AccessToken/%ff"), None);
    }

    #[test]
    fn pairs_as_forms_write_them() {
        let owned = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(
            pairs(b"a=1&b=x+y%2B&&c&=d&e=f=g"),
            owned(&[("a", "1"), ("b", "x y+"), ("c", ""), ("", "d"), ("e", "f=g")])
        );
        assert_eq!(pairs("t=默认%E6%A0%87".as_bytes()), owned(&[("t", "默认标")]));
        assert_eq!(pairs(b"t=%ff"), None);
        assert_eq!(pairs(b"t=%zz"), owned(&[("t", "%zz")]));
        assert_eq!(pairs(b""), owned(&[]));
    }
}
