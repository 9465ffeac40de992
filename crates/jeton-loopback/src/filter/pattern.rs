//! Patterns: `like` and `regexp`.

mod automaton;
mod translate;

use super::MAX_PATTERN_CHARS;
use automaton::{Automaton, CompileError};
use jeton_core::{Halt, Meter};
use regex_automata::Anchored;
use regex_automata::util::syntax;

/// Why a text is not a valid pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The operand is not a text.
    #[error("Invalid argument, must be a string, regex literal, or RegExp object")]
    NotText,
    /// `/source/flags` has flags other than `g`, `i` and `m`.
    #[error("Invalid regex flags: {0}")]
    Flags(String),
    /// The expression is not well-formed, or it or its compiled form is too large: see [`MAX_PATTERN_CHARS`].
    #[error("Invalid regular expression: {0}")]
    Invalid(String),
    /// The expression has lookaround or backreferences, which cannot be matched in linear time.
    #[error("Unsupported regular expression: {0}")]
    Unsupported(&'static str),
    /// The pattern of `like` or its compiled form is too large: see [`MAX_PATTERN_CHARS`].
    #[error("Invalid pattern: too long, it may have {MAX_PATTERN_CHARS} characters")]
    LikeTooLong,
}

/// A pattern of `like` or `regexp`, compiled. Matching takes time linear in the text, whatever the pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Automaton);

impl Pattern {
    /// Compiles an ECMAScript regular expression: `source`, or `/source/flags`.
    ///
    /// Two points differ from ECMAScript: `.` and classes match whole code points rather than UTF-16 code
    /// units, and expressions that need backtracking (lookaround, backreferences) are refused.
    pub(super) fn regexp(text: &str) -> Result<Self, PatternError> {
        let (source, flags) = split_flags(text);
        let unknown: Vec<_> = flags.chars().filter(|flag| !"gim".contains(*flag)).map(String::from).collect();
        if !unknown.is_empty() {
            return Err(PatternError::Flags(unknown.join(",")));
        }
        if source.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::Invalid("too long".to_owned()));
        }
        let syntax =
            syntax::Config::new().case_insensitive(flags.contains('i')).multi_line(flags.contains('m'));
        Automaton::compile(&translate::translate(source)?, syntax, Anchored::No).map(Pattern).map_err(
            |error| {
                match error {
                    CompileError::TooLarge => PatternError::Invalid("too large".to_owned()),
                    // The engine would quote the translation, which the client did not write.
                    CompileError::Syntax => PatternError::Invalid(format!("/{source}/")),
                }
            },
        )
    }

    /// Compiles an SQL pattern: `%` matches any text, `_` any one code point, `\` escapes the next character.
    /// Matches whole texts.
    pub(super) fn like(text: &str, ignore_case: bool) -> Result<Self, PatternError> {
        if text.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::LikeTooLong);
        }
        // UTF-8 mode is not needed: texts are well-formed.
        let syntax = syntax::Config::new().case_insensitive(ignore_case).utf8(false);
        let automaton = Automaton::compile(&like_expression(text), syntax, Anchored::Yes);
        automaton.map(Pattern).map_err(|_| PatternError::LikeTooLong)
    }

    /// Whether it matches: a regular expression somewhere in `text`, a pattern of `like` all of it.
    pub(super) fn matches(&self, text: &str, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        self.0.matches(text, meter)
    }

    /// The bytes of its compiled form.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Frees what matching keeps between texts.
    pub(super) fn rest(&self) {
        self.0.rest();
    }
}

/// A pattern of `like` in the syntax of the engine, anchored at the start.
fn like_expression(text: &str) -> String {
    const ANY_TEXT: &str = r"(?s-u:.)*";
    // The first byte of a character, and its continuation bytes.
    const ANY_CHARACTER: &str = r"(?-u:[\x00-\x7f\xc0-\xff][\x80-\xbf]*)";
    let mut expression = String::with_capacity(8 * text.len());
    let mut is_open = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let was_open = std::mem::replace(&mut is_open, c == '%');
        match c {
            // A repeated `%` means the same as one.
            '%' if was_open => {}
            '%' => expression.push_str(ANY_TEXT),
            '_' => {
                let mut count = 1;
                while chars.next_if_eq(&'_').is_some() {
                    count += 1;
                }
                expression.push_str(&format!("{ANY_CHARACTER}{{{count}}}"));
            }
            '\\' => push_literal(&mut expression, chars.next().unwrap_or('\\')),
            c => push_literal(&mut expression, c),
        }
    }
    if is_open {
        // Anything may follow, so the rest need not be read.
        expression.truncate(expression.len() - ANY_TEXT.len());
    } else {
        expression.push_str(r"\z");
    }
    expression
}

fn push_literal(expression: &mut String, c: char) {
    expression.push_str(&format!(r"\x{{{:x}}}", u32::from(c)));
}

/// The source and the flags of `/source/flags`; any other text is all source.
fn split_flags(text: &str) -> (&str, &str) {
    let literal = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    literal.unwrap_or((text, ""))
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
