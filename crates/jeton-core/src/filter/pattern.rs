//! `like` and `regexp`: texts that stand for many.

use regex::{Regex, RegexBuilder};

mod translate;

/// Most code points in a regular expression.
pub const MAX_PATTERN_CHARS: usize = 1_000;

/// Most bytes that a compiled regular expression may take, and that matching may cache beside it.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// Why a text is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The operand is no text.
    #[error("Invalid argument, must be a string, regex literal, or RegExp object")]
    NotText,
    /// `/source/flags` has flags other than `g`, `i` and `m`.
    #[error("Invalid regex flags: {0}")]
    Flags(String),
    /// The expression is not well-formed, or larger than [`MAX_PATTERN_CHARS`] or its compiled form may be.
    #[error("Invalid regular expression: {0}")]
    Invalid(String),
    /// The expression looks around or refers back, which cannot be matched in linear time.
    #[error("Unsupported regular expression: {0}")]
    Unsupported(&'static str),
}

/// A regular expression of ECMAScript. Matching takes time linear in the text, whatever the expression.
///
/// Two points differ from ECMAScript: `.` and classes match whole code points rather than UTF-16 code units, and
/// what needs backtracking (looking around, references back) is refused.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles `source`, or `/source/flags`.
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let (source, flags) = split_flags(text);
        let unknown: Vec<_> = flags.chars().filter(|flag| !"gim".contains(*flag)).map(String::from).collect();
        if !unknown.is_empty() {
            return Err(PatternError::Flags(unknown.join(",")));
        }
        if source.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::Invalid("too long".to_owned()));
        }
        RegexBuilder::new(&translate::translate(source)?)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map(Pattern)
            // The engine would quote the translation, which nobody wrote.
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::Invalid("too large".to_owned()),
                _ => PatternError::Invalid(format!("/{source}/")),
            })
    }

    /// Whether it matches somewhere in `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// The source and the flags of `/source/flags`; a text of any other form is all source.
fn split_flags(text: &str) -> (&str, &str) {
    let literal = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    literal.unwrap_or((text, ""))
}

/// A pattern of SQL: `%` is any text, `_` any one code point, `\` takes what follows as it is. Matches whole texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Like {
    pieces: Vec<Piece>,
    ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text,
    One,
    Exactly(char),
}

impl Like {
    pub(super) fn parse(text: &str, ignore_case: bool) -> Self {
        let mut chars = text.chars();
        let mut pieces = Vec::new();
        while let Some(c) = chars.next() {
            let piece = match c {
                '%' => Piece::Text,
                '_' => Piece::One,
                '\\' => Piece::Exactly(chars.next().unwrap_or('\\')),
                c => Piece::Exactly(c),
            };
            // Two in a row are no more than one.
            if piece != Piece::Text || pieces.last() != Some(&Piece::Text) {
                pieces.push(piece);
            }
        }
        Like { pieces, ignore_case }
    }

    /// Whether it matches all of `text`. Takes at most pattern times text steps.
    pub(super) fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let (mut at, mut piece) = (0, 0);
        // Where to go on when the present try fails: one character further than the last `%` reached.
        let mut retry = None;
        loop {
            match (self.pieces.get(piece), chars.get(at)) {
                (None, None) => return true,
                (Some(Piece::Text), _) => {
                    retry = Some((piece + 1, at));
                    piece += 1;
                }
                (Some(Piece::One), Some(_)) => (at, piece) = (at + 1, piece + 1),
                (Some(Piece::Exactly(wanted)), Some(c)) if self.same(*wanted, *c) => {
                    (at, piece) = (at + 1, piece + 1);
                }
                (None, Some(_)) | (Some(Piece::One | Piece::Exactly(_)), _) => match retry {
                    Some((from, start)) if start < chars.len() => {
                        retry = Some((from, start + 1));
                        (piece, at) = (from, start + 1);
                    }
                    _ => return false,
                },
            }
        }
    }

    fn same(&self, one: char, two: char) -> bool {
        one == two || self.ignore_case && one.to_lowercase().eq(two.to_lowercase())
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
