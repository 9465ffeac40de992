//! What a document shows, compared with what is printed.
//!
//! These stand for what differs from run to run:
//!
//! | in the document | stands for |
//! |---|---|
//! | `…` | any text within a line |
//! | `…`, alone in a line | any number of lines |
//! | `3f0c…`, or any other four digits | a secret: 64 hexadecimal digits |
//! | `2026-11-21T08:09:10.123Z`, or any other | an instant |
//! | `Sat, 21 Nov 2026 08:09:10 GMT`, or any other | the date of an answer |

/// The forms of an instant and of a date, in which a digit stands for any, and a capital letter for any word.
const INSTANTS: [&str; 4] = [
    "0000-00-00T00:00:00.000Z",
    "0000-00-00T00:00:00.000+00:00",
    "0000-00-00T00:00:00Z",
    "Www, 00 Mmm 0000 00:00:00 GMT",
];
/// How many hexadecimal digits a secret has.
const SECRET: usize = 64;

/// A part of an expected line.
#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Text(&'a str),
    Any,
    Secret,
    /// One of [`INSTANTS`].
    Instant(&'static str),
}

/// Whether a text is the expected one.
pub(super) fn is_like(printed: &str, expected: &str) -> bool {
    let (printed, expected): (Vec<_>, Vec<_>) = (printed.lines().collect(), expected.lines().collect());
    are_like(&printed, &expected)
}

/// The same of JSON, however its lines are broken.
pub(super) fn is_like_json(printed: &str, expected: &str) -> bool {
    is_line_like(&compact(printed), &compact(expected))
}

fn are_like(printed: &[&str], expected: &[&str]) -> bool {
    match (printed.split_first(), expected.split_first()) {
        (_, Some((&"…", rest))) => (0..=printed.len()).any(|from| are_like(&printed[from..], rest)),
        (Some((line, printed)), Some((like, rest))) => is_line_like(line, like) && are_like(printed, rest),
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether a line is the expected one. What `…` stands for is tried from the shortest text on; an earlier one need never be longer
/// than it is when the next is reached.
fn is_line_like(line: &str, expected: &str) -> bool {
    let parts = parts(expected);
    let (mut rest, mut at) = (line, 0);
    // Behind the last `…`: the part, and where its text may begin at the earliest.
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let next = match parts.get(at) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Part::Any) => {
                retry = Some((at + 1, rest));
                Some(rest)
            }
            Some(part) => part.strip(rest),
        };
        if let Some(next) = next {
            (rest, at) = (next, at + 1);
            continue;
        }
        let Some((behind, from)) = retry else { return false };
        let mut letters = from.chars();
        if letters.next().is_none() {
            return false;
        }
        (rest, at) = (letters.as_str(), behind);
        retry = Some((behind, rest));
    }
}

impl Part<'_> {
    /// What follows it in a text that begins with it.
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Part::Text(part) => text.strip_prefix(part),
            Part::Any => Some(text),
            Part::Secret => {
                let digits = text.bytes().take_while(|byte| is_hex(*byte)).count();
                (digits == SECRET).then(|| &text[digits..])
            }
            Part::Instant(form) => has_form(text, form).then(|| &text[form.len()..]),
        }
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// Whether a text begins with one of a form.
fn has_form(text: &str, form: &str) -> bool {
    let is_alike = |(found, wanted): (u8, u8)| match wanted {
        b'0' => found.is_ascii_digit(),
        b'w' | b'm' | b'W' | b'M' => found.is_ascii_alphabetic(),
        wanted => found == wanted,
    };
    text.len() >= form.len()
        && text.is_char_boundary(form.len())
        && text.bytes().zip(form.bytes()).all(is_alike)
}

fn parts(expected: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(letter) = expected[at..].chars().next() {
        let rest = &expected[at..];
        let instant = INSTANTS.into_iter().find(|form| has_form(rest, form));
        let (part, length) = match instant {
            Some(form) => (Part::Instant(form), form.len()),
            None if is_secret(rest) && !expected[..at].ends_with(char::is_alphanumeric) => {
                (Part::Secret, 4 + '…'.len_utf8())
            }
            None if letter == '…' => (Part::Any, letter.len_utf8()),
            None => {
                at += letter.len_utf8();
                continue;
            }
        };
        if from < at {
            parts.push(Part::Text(&expected[from..at]));
        }
        parts.push(part);
        at += length;
        from = at;
    }
    if from < at {
        parts.push(Part::Text(&expected[from..]));
    }
    parts
}

fn is_secret(text: &str) -> bool {
    text.bytes().take(4).filter(|byte| is_hex(*byte)).count() == 4 && text[4..].starts_with('…')
}

/// Without the white space that stands outside of strings.
fn compact(json: &str) -> String {
    let (mut is_inside, mut is_escaped) = (false, false);
    let is_kept = |letter: &char| {
        match (*letter, is_escaped) {
            ('"', false) => is_inside = !is_inside,
            ('\\', false) if is_inside => {
                is_escaped = true;
                return true;
            }
            _ => {}
        }
        is_escaped = false;
        is_inside || !letter.is_whitespace()
    };
    json.chars().filter(is_kept).collect()
}

#[test]
fn lines_are_compared() {
    let secret = "0123456789abcdef".repeat(4);
    for (line, expected, is) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a…", true),
        ("abc", "a…c", true),
        ("abc", "a…b", false),
        ("a1b2c", "a…b…c", true),
        ("a1c", "a…b…c", false),
        ("abab", "…ab", true),
        ("", "…", true),
        ("a", "", false),
        (&format!("x_{secret}\""), "x_3f0c…\"", true),
        (&secret[1..], "3f0c…", false),
        (&format!("{secret}0"), "3f0c…", false),
        ("12…", "12…", true),
        ("a 12345 b", "a 1234…b", false),
        ("a 204800 b", "a…204800…b", true),
        ("on 2027-01-02T03:04:05.678Z", "on 2026-11-21T08:09:10.123Z", true),
        ("on 2027-01-02T03:04:05Z", "on 2026-11-21T08:09:10.123Z", false),
        ("date: Sun, 01 Jan 2027 00:00:00 GMT", "date: Sat, 21 Nov 2026 08:09:10 GMT", true),
    ] {
        assert_eq!(is_like(line, expected), is, "{line} {expected}");
    }
    assert!(is_like("a\nb\nc\nd", "a\n…\nd") && is_like("a\nd", "a\n…\nd"));
    assert!(!is_like("a\nb", "a") && !is_like("a", "a\nb") && !is_like("a\nb", "…b\n"));
}

#[test]
fn json_is_compared_however_it_is_broken() {
    assert!(is_like_json("{\"a b\":[1,\"\\\" c\"]}", "{\"a b\": [1,\n  \"\\\" c\"]}"));
    assert!(!is_like_json("{\"a b\":1}", "{\"ab\": 1}"));
    assert!(is_like_json("{\"a\":1,\"b\":2}", "{\"a\": 1, …}"));
}
