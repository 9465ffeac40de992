//! Translates ECMAScript regular expressions to the syntax of the engine.
//!
//! The two languages look alike but the same characters mean different things: `\d` is ASCII in one and
//! Unicode in the other, `[a&&b]` three characters or none. So nothing is copied; every character is read by
//! the rules of ECMAScript 2024, section 22.2.1 with annex B.1.2 (without the flags `u` and `v`), and written
//! anew.

use super::PatternError;
use std::iter::Peekable;
use std::str::Chars;

const DIGITS: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
/// White space and line terminators (sections 12.2 and 12.3).
const SPACE: &str = r"\t-\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";

const BACK_REFERENCE: PatternError = PatternError::Unsupported("references back");
const LOOKING_AROUND: PatternError = PatternError::Unsupported("looking ahead or behind");
const SURROGATE: PatternError = PatternError::Unsupported("half of a surrogate pair");

/// The meaning of an escape.
enum Escape {
    /// One character.
    Literal(char),
    /// The inside of a class, and whether it is negated.
    Class(&'static str, bool),
    /// A word boundary, or not one.
    Boundary(bool),
}

/// `source` in the syntax of the engine.
pub(super) fn translate(source: &str) -> Result<String, PatternError> {
    let mut translator = Translator { source, rest: source.chars().peekable(), written: String::new() };
    while let Some(c) = translator.rest.next() {
        translator.term(c)?;
    }
    Ok(translator.written)
}

struct Translator<'a> {
    source: &'a str,
    rest: Peekable<Chars<'a>>,
    written: String,
}

impl Translator<'_> {
    /// Translates the term that starts with `c`, outside of classes.
    fn term(&mut self, c: char) -> Result<(), PatternError> {
        match c {
            '^' | '$' | '|' | ')' | '*' | '+' | '?' => self.written.push(c),
            '.' => self.written.push_str(r"[^\n\r\u{2028}\u{2029}]"),
            '(' => self.group()?,
            '[' => self.class()?,
            '{' => self.braces(),
            '\\' => match self.escape()? {
                Escape::Literal(c) => self.literal(c),
                Escape::Class(inside, false) => self.written.push_str(&format!("[{inside}]")),
                Escape::Class(inside, true) => self.written.push_str(&format!("[^{inside}]")),
                // The half boundaries are ASCII, like words here.
                Escape::Boundary(true) => self.written.push_str(r"(?-u:\b)"),
                Escape::Boundary(false) => self.written.push_str(r"(?-u:\B)"),
            },
            c => self.literal(c),
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        self.written.push_str(&format!(r"\u{{{:x}}}", u32::from(c)));
    }

    /// Translates what follows an opening parenthesis.
    fn group(&mut self) -> Result<(), PatternError> {
        if self.rest.next_if_eq(&'?').is_none() {
            self.written.push_str("(?:");
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => {}
            Some('=' | '!') => return Err(LOOKING_AROUND),
            Some('<') if matches!(self.rest.peek(), Some('=' | '!')) => return Err(LOOKING_AROUND),
            Some('<') => {
                let name: String = self.rest.by_ref().take_while(|c| *c != '>').collect();
                if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                    return Err(self.invalid("Invalid capture group name"));
                }
            }
            _ => return Err(self.invalid("Invalid group")),
        }
        self.written.push_str("(?:");
        Ok(())
    }

    /// Translates what follows an opening brace: a repetition count, or else a literal brace.
    fn braces(&mut self) {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().any(|c| c == '}');
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let counts = match ahead.split_once(',') {
            None => number(&ahead),
            Some((least, most)) => number(least) && (most.is_empty() || number(most)),
        };
        if closed && counts {
            self.written.push_str(&format!("{{{ahead}}}"));
            self.rest.by_ref().take(ahead.len() + 1).for_each(drop);
        } else {
            self.literal('{');
        }
    }

    /// Translates what follows a backslash outside of classes.
    fn escape(&mut self) -> Result<Escape, PatternError> {
        if self.rest.next_if_eq(&'b').is_some() {
            Ok(Escape::Boundary(true))
        } else if self.rest.next_if_eq(&'B').is_some() {
            Ok(Escape::Boundary(false))
        } else if matches!(self.rest.peek(), Some('1'..='9' | 'k')) {
            Err(BACK_REFERENCE)
        } else {
            self.escape_anywhere()
        }
    }

    /// Translates what follows a backslash, except what differs between inside and outside of classes.
    fn escape_anywhere(&mut self) -> Result<Escape, PatternError> {
        let Some(c) = self.rest.next() else {
            return Err(self.invalid("\\ at end of pattern"));
        };
        Ok(match c {
            'd' => Escape::Class(DIGITS, false),
            'D' => Escape::Class(DIGITS, true),
            'w' => Escape::Class(WORD, false),
            'W' => Escape::Class(WORD, true),
            's' => Escape::Class(SPACE, false),
            'S' => Escape::Class(SPACE, true),
            't' => Escape::Literal('\t'),
            'n' => Escape::Literal('\n'),
            'r' => Escape::Literal('\r'),
            'v' => Escape::Literal('\u{b}'),
            'f' => Escape::Literal('\u{c}'),
            '0' if !matches!(self.rest.peek(), Some('0'..='9')) => Escape::Literal('\0'),
            '0'..='9' => return Err(PatternError::Unsupported("octal escapes")),
            'c' => match self.rest.next_if(char::is_ascii_alphabetic) {
                Some(letter) => Escape::Literal(char::from(letter as u8 % 32)),
                None => return Err(PatternError::Unsupported("\\c without a letter")),
            },
            'x' => Escape::Literal(self.hexadecimal(2).unwrap_or(Ok('x'))?),
            'u' => Escape::Literal(self.hexadecimal(4).unwrap_or(Ok('u'))?),
            // Every other character means itself.
            c => Escape::Literal(c),
        })
    }

    /// The character with a code of that many digits; `None` if there are fewer, so the letter is literal.
    fn hexadecimal(&mut self, digits: usize) -> Option<Result<char, PatternError>> {
        let code: String = self.rest.clone().take(digits).collect();
        if code.chars().count() < digits || !code.chars().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        self.rest.by_ref().take(digits).for_each(drop);
        u32::from_str_radix(&code, 16).ok().map(|code| char::from_u32(code).ok_or(SURROGATE))
    }

    /// Translates what follows an opening bracket.
    fn class(&mut self) -> Result<(), PatternError> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut inside = String::new();
        while let Some(from) = self.class_atom()? {
            let mut ahead = self.rest.clone();
            let range = ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']'));
            if !range {
                inside.push_str(&from.written());
                continue;
            }
            self.rest.next();
            let to = self.class_atom()?.ok_or_else(|| self.unterminated())?;
            match (&from, &to) {
                (Atom::One(from), Atom::One(to)) if from > to => {
                    return Err(self.invalid("Range out of order in character class"));
                }
                (Atom::One(_), Atom::One(_)) => {
                    inside.push_str(&format!("{}-{}", from.written(), to.written()));
                }
                // A class cannot end a range, so the hyphen is literal.
                _ => inside.push_str(&format!(
                    "{}{}{}",
                    from.written(),
                    Atom::One('-').written(),
                    to.written()
                )),
            }
        }
        self.written.push_str(match (inside.is_empty(), negated) {
            // Matches nothing, and anything.
            (true, false) => r"[^\x00-\u{10ffff}]",
            (true, true) => r"[\x00-\u{10ffff}]",
            (false, false) => "[",
            (false, true) => "[^",
        });
        if !inside.is_empty() {
            self.written.push_str(&inside);
            self.written.push(']');
        }
        Ok(())
    }

    /// The next character or class inside of a class; `None` at its end.
    fn class_atom(&mut self) -> Result<Option<Atom>, PatternError> {
        let Some(c) = self.rest.next() else {
            return Err(self.unterminated());
        };
        match c {
            ']' => return Ok(None),
            '\\' => {}
            c => return Ok(Some(Atom::One(c))),
        }
        if self.rest.next_if_eq(&'b').is_some() {
            return Ok(Some(Atom::One('\u{8}')));
        }
        Ok(Some(match self.escape_anywhere()? {
            Escape::Literal(c) => Atom::One(c),
            Escape::Class(inside, negated) => Atom::Class(inside, negated),
            Escape::Boundary(_) => Atom::One('B'),
        }))
    }

    fn unterminated(&self) -> PatternError {
        self.invalid("Unterminated character class")
    }

    fn invalid(&self, why: &str) -> PatternError {
        PatternError::Invalid(format!("/{}/: {why}", self.source))
    }
}

/// A part of a class.
enum Atom {
    One(char),
    Class(&'static str, bool),
}

impl Atom {
    fn written(&self) -> String {
        match self {
            Atom::One(c) => format!(r"\u{{{:x}}}", u32::from(*c)),
            Atom::Class(inside, false) => (*inside).to_owned(),
            Atom::Class(inside, true) => format!("[^{inside}]"),
        }
    }
}
