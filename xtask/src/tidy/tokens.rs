//! Rust as tokens: without comments, and with strings kept apart from code.

use super::Source;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::RangeInclusive;

/// The tokens of a Rust file.
pub(super) fn of(source: &Source) -> Result<TokenStream, String> {
    source.text.parse().map_err(|e| format!("{}: no Rust: {e}", source.path))
}

/// A function, from the word `fn` to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) lines: RangeInclusive<usize>,
}

/// An attribute: the line it begins at, and the words in it, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) line: usize,
    pub(super) words: Vec<String>,
}

/// Every function that has a body, also in macros, traits and other functions.
pub(super) fn functions(tokens: &TokenStream) -> Vec<Function> {
    let mut functions = Vec::new();
    for_each_sequence(tokens, &mut |sequence| {
        for (i, token) in sequence.iter().enumerate() {
            if let (true, Some(TokenTree::Ident(name))) = (is_word(token, "fn"), sequence.get(i + 1)) {
                let body = body(&sequence[i..]);
                functions.extend(body.map(|body| Function {
                    name: name.to_string(),
                    lines: token.span().start().line..=body.span_close().end().line,
                }));
            }
        }
    });
    functions
}

/// The first braces before a `;`.
fn body(tokens: &[TokenTree]) -> Option<&Group> {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Some(group),
            TokenTree::Punct(punct) if punct.as_char() == ';' => return None,
            _ => {}
        }
    }
    None
}

/// Every attribute except documentation.
pub(super) fn attributes(tokens: &TokenStream) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    for_each_sequence(tokens, &mut |sequence| {
        for (i, token) in sequence.iter().enumerate() {
            if let Some(group) = attribute(sequence, i).filter(|group| !is_documentation(group)) {
                let mut words = Vec::new();
                collect_words(&group.stream(), &mut words);
                attributes.push(Attribute { line: token.span().start().line, words });
            }
        }
    });
    attributes
}

/// Every literal outside documentation, with its line, as it is written.
pub(super) fn literals(tokens: &TokenStream) -> Vec<(usize, String)> {
    let mut literals = Vec::new();
    for_each_sequence(tokens, &mut |sequence| {
        for token in sequence {
            if let TokenTree::Literal(literal) = token {
                literals.push((literal.span().start().line, literal.to_string()));
            }
        }
    });
    literals
}

/// Every word outside documentation and literals, with its line.
pub(super) fn words(tokens: &TokenStream) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for_each_sequence(tokens, &mut |sequence| {
        for token in sequence {
            if let TokenTree::Ident(ident) = token {
                words.push((ident.span().start().line, ident.to_string()));
            }
        }
    });
    words
}

/// Calls `visit` for the tokens of every group, the file first, leaving out documentation.
fn for_each_sequence(tokens: &TokenStream, visit: &mut impl FnMut(&[TokenTree])) {
    let sequence: Vec<TokenTree> = tokens.clone().into_iter().collect();
    visit(&sequence);
    for (i, token) in sequence.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let documents = i > 0 && is_documentation(group) && attribute_start(&sequence[..i]);
            if !documents {
                for_each_sequence(&group.stream(), visit);
            }
        }
    }
}

/// The brackets of the attribute that begins at `i`.
fn attribute(sequence: &[TokenTree], i: usize) -> Option<&Group> {
    if !is_punct(sequence.get(i)?, '#') {
        return None;
    }
    let after = if is_punct(sequence.get(i + 1)?, '!') { i + 2 } else { i + 1 };
    match sequence.get(after)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group),
        _ => None,
    }
}

fn attribute_start(before: &[TokenTree]) -> bool {
    match before {
        [.., hash, bang] if is_punct(bang, '!') => is_punct(hash, '#'),
        [.., hash] => is_punct(hash, '#'),
        [] => false,
    }
}

fn is_documentation(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && group.stream().into_iter().next().is_some_and(|first| is_word(&first, "doc"))
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn collect_words(tokens: &TokenStream, words: &mut Vec<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Group(group) => collect_words(&group.stream(), words),
            _ => {}
        }
    }
}
