//! The code blocks of documents.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first word of its info string; empty: it has none.
    pub language: String,
    /// Its text.
    pub text: String,
    /// The line of the document in which it begins, from 1 on.
    pub line: usize,
    /// Whether only white space stands between the block before and this one.
    pub is_adjacent: bool,
}

/// The code blocks of a document, in their order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut end_before = None;
    for (event, place) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let between = end_before.map(|end| &markdown[end..place.start]);
                open = Some(Block {
                    language: language(&kind),
                    text: String::new(),
                    line: markdown[..place.start].matches('\n').count() + 1,
                    is_adjacent: between.is_some_and(|between| between.trim().is_empty()),
                });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                end_before = Some(place.end);
                blocks.extend(open.take());
            }
            _ => {}
        }
    }
    blocks
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Indented => String::new(),
        CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_a_language_a_text_and_a_place() {
        let markdown = "# A\n\n```sh\na \\\n  b\n```\n\n```json\n{}\n```\n\nAnd\n\n~~~toml x=y\nc = 1\n~~~\n\n    indented\n";
        let block = |language: &str, text: &str, line, is_adjacent| Block {
            language: language.to_owned(),
            text: text.to_owned(),
            line,
            is_adjacent,
        };
        assert_eq!(
            blocks(markdown),
            [
                block("sh", "a \\\n  b\n", 3, false),
                block("json", "{}\n", 8, true),
                block("toml", "c = 1\n", 14, false),
                block("", "indented\n", 18, true),
            ]
        );
        assert_eq!(blocks("`a` and\nno block"), []);
    }
}
