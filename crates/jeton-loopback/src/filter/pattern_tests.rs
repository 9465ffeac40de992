//! Patterns compared with what ECMAScript and SQL specify.

use super::*;
use proptest::prelude::*;

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::regexp(pattern).unwrap().matches(text, &mut Meter::unlimited()).unwrap()
}

fn like(pattern: &str, ignore_case: bool, text: &str) -> bool {
    Pattern::like(pattern, ignore_case).unwrap().matches(text, &mut Meter::unlimited()).unwrap()
}

#[test]
fn regular_expressions_match_as_in_ecmascript() {
    for (pattern, text, expected) in [
        ("^tok-[12]$", "tok-1", true),
        ("^tok-[12]$", "tok-3", false),
        ("ok", "tok-1", true),
        ("", "anything", true),
        ("/^TOK/i", "tok", true),
        ("/^TOK/g", "tok", false),
        ("^b", "a\nb", false),
        ("/^b/m", "a\nb", true),
        ("b$", "b\n", false),
        (".", "\n", false),
        (".", "\u{2028}", false),
        ("^\\d+$", "123", true),
        ("\\d", "\u{663}", false),
        ("^\\w$", "\u{e9}", false),
        ("\\s", "\u{feff}", true),
        ("^\\S\\D\\W$", "ab-", true),
        ("\\bb\\b", "a b c", true),
        ("a\\Bb", "ab", true),
        ("a{2}", "aa", true),
        ("^a{2,}$", "a", false),
        ("^a{1,2}$", "aa", true),
        ("a{", "a{", true),
        ("a{,2}", "a{,2}", true),
        ("x{1,y}", "x{1,y}", true),
        ("]", "]", true),
        ("}", "}", true),
        ("[]", "a", false),
        ("[^]", "\n", true),
        ("[a&&b]", "&", true),
        ("[[a]", "[", true),
        ("[+--]", ",", true),
        ("[\\w-]", "-", true),
        ("[\\w-z]", "-", true),
        ("[-a]", "-", true),
        ("[\\b]", "\u{8}", true),
        ("[\\B]", "B", true),
        ("[\\]]", "]", true),
        ("[^\\s\\S]", "a", false),
        ("[\\D]", "1", false),
        ("\\/", "/", true),
        ("\\x41\\u0042\\cA\\0", "AB\u{1}\0", true),
        ("\\xg\\u12", "xgu12", true),
        ("\\a\\<", "a<", true),
        ("(a|b)c", "bc", true),
        ("(?:a)(?<name>b)", "ab", true),
        ("a*?b+?", "b", true),
        ("# x", "# x", true),
        ("/", "/", true),
        ("//", "anything", true),
        ("\u{e4}", "\u{e4}", true),
        ("/\u{c4}/i", "\u{e4}", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text:?}");
    }
}

#[test]
fn what_cannot_be_matched_in_linear_time_is_refused() {
    for pattern in ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\1", "(?<n>a)\\k<n>", "\\07", "\\ud800"] {
        assert!(matches!(Pattern::regexp(pattern), Err(PatternError::Unsupported(_))), "{pattern}");
    }
}

#[test]
fn what_is_no_regular_expression_is_refused() {
    for pattern in ["[", "(", ")", "*", "a{2,1}", "\\", "[z-a]", "[a--]", "(?i)a", "(?<>a)", "(?<n", "[a-"] {
        assert!(matches!(Pattern::regexp(pattern), Err(PatternError::Invalid(_))), "{pattern}");
    }
    let message = |pattern: &str| Pattern::regexp(pattern).unwrap_err().to_string();
    assert_eq!(message("["), "Invalid regular expression: /[/: Unterminated character class");
    assert_eq!(message("/a/qg"), "Invalid regex flags: q");
    assert_eq!(message("(?=a)"), "Unsupported regular expression: looking ahead or behind");
}

#[test]
fn large_expressions_are_refused() {
    for pattern in ["a".repeat(MAX_PATTERN_CHARS + 1), "(((a{99}){99}){99}){99}".to_owned(), "(".repeat(999)]
    {
        assert!(matches!(Pattern::regexp(&pattern), Err(PatternError::Invalid(_))));
    }
    assert!(Pattern::regexp(&"a".repeat(MAX_PATTERN_CHARS)).is_ok());
}

#[test]
fn like_matches_whole_texts() {
    for (pattern, text, expected) in [
        ("tok-%", "tok-1", true),
        ("tok-%", "Tok-5", false),
        ("tok__", "tok-1", true),
        ("tok__", "tok-12", false),
        ("ok-1", "tok-1", false),
        ("%ok%1", "tok-1", true),
        ("tok*", "tok-1", false),
        ("^tok-1$", "tok-1", false),
        ("(tok", "(tok", true),
        ("", "", true),
        ("", "a", false),
        ("%", "", true),
        ("%%", "a", true),
        ("_", "\u{1f600}", true),
        ("100\\%", "100%", true),
        ("100\\%", "1000", false),
        ("a\\", "a\\", true),
        ("%a_", "aab", true),
    ] {
        assert_eq!(like(pattern, false, text), expected, "{pattern} {text}");
    }
    assert!(like("TOK-\u{e4}%", true, "tok-\u{c4}"));
}

/// The definition of `like`, without regard for time.
fn slow_like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['%', rest @ ..], _) => (0..=text.len()).any(|from| slow_like(rest, &text[from..])),
        (['_', rest @ ..], [_, left @ ..]) => slow_like(rest, left),
        ([c, rest @ ..], [d, left @ ..]) => c == d && slow_like(rest, left),
        _ => false,
    }
}

proptest! {
    #[test]
    fn like_agrees_with_its_definition(pattern in "[ab\u{e9}%_]{0,7}", text in "[ab\u{e9}]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = slow_like(&chars(&pattern), &chars(&text));
        prop_assert_eq!(like(&pattern, false, &text), expected);
    }

    #[test]
    fn no_pattern_is_too_strange(pattern in "[\\[\\](){}^$|*+?.\\\\a-c0-9,:<>=!-]{0,12}|\\PC{0,12}", text in "\\PC{0,8}") {
        if let Ok(compiled) = Pattern::regexp(&pattern) {
            compiled.matches(&text, &mut Meter::unlimited()).unwrap();
        }
    }

    #[test]
    fn an_escaped_text_finds_itself(text in "\\PC{0,12}") {
        let escape = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
        let escaped: String = text.chars().map(escape).collect();
        let pattern = format!("^{escaped}$");
        prop_assert!(matches(&pattern, &text));
    }
}
