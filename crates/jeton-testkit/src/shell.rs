//! Enough of the shell's grammar (POSIX.1-2024, Shell Command Language, sections 2.2 to 2.7) to say which
//! commands a script in a document runs. It never runs one.

use std::iter::Peekable;
use std::str::Chars;

/// The simple commands of `script` in the order in which they end, each as its words. Quotes are resolved; an
/// expansion stands as it is written, and the commands within `$(...)` are listed as well. Assignments,
/// redirections, here-documents and comments are left out.
pub(crate) fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader { chars: script.chars().peekable(), found: Vec::new(), heredocs: Vec::new() };
    reader.list(None);
    reader.found
}

/// `NAME=value`, which is no command's name.
pub(crate) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    found: Vec<Vec<String>>,
    /// Delimiters of the here-documents that begin after this line.
    heredocs: Vec<String>,
}

/// The command being read, and its last word if that has begun.
#[derive(Default)]
struct Draft {
    words: Vec<String>,
    word: Option<String>,
}

impl Draft {
    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !(self.words.is_empty() && is_assignment(&word)) {
            self.words.push(word);
        }
    }

    fn end(&mut self) -> Option<Vec<String>> {
        self.end_word();
        Some(std::mem::take(&mut self.words)).filter(|words| !words.is_empty())
    }
}

impl Reader<'_> {
    /// Reads commands up to `end`, or to the end of the script.
    fn list(&mut self, end: Option<char>) {
        let mut draft = Draft::default();
        while let Some(c) = self.chars.next() {
            match c {
                c if Some(c) == end => break,
                '\n' | ';' | '|' | '&' | '(' | ')' => {
                    self.found.extend(draft.end());
                    if c == '\n' {
                        self.skip_heredocs();
                    }
                }
                '#' if draft.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => self.redirection(c, &mut draft),
                c if c.is_whitespace() => draft.end_word(),
                c => self.word_part(c, &mut draft),
            }
        }
        self.found.extend(draft.end());
    }

    /// Adds what begins with `c` to the word.
    fn word_part(&mut self, c: char, draft: &mut Draft) {
        match c {
            '\\' => match self.chars.next() {
                Some('\n') | None => {}
                Some(c) => draft.push(c),
            },
            '\'' => {
                draft.word.get_or_insert_default();
                while let Some(c) = self.chars.next().filter(|c| *c != '\'') {
                    draft.push(c);
                }
            }
            '"' => {
                draft.word.get_or_insert_default();
                while let Some(c) = self.chars.next().filter(|c| *c != '"') {
                    match c {
                        '\\' => draft.word.get_or_insert_default().extend(self.chars.next()),
                        c => self.expansion(c, draft),
                    }
                }
            }
            c => self.expansion(c, draft),
        }
    }

    /// Adds `c` to the word, and lists the commands that it substitutes if it begins a substitution.
    fn expansion(&mut self, c: char, draft: &mut Draft) {
        draft.push(c);
        if c == '$' && self.chars.next_if_eq(&'(').is_some() {
            self.list(Some(')'));
            draft.word.get_or_insert_default().push_str("(...)");
        } else if c == '`' {
            self.list(Some('`'));
            draft.word.get_or_insert_default().push_str("...`");
        }
    }

    /// Leaves out a redirection: its file descriptor, its operator and its target.
    fn redirection(&mut self, operator: char, draft: &mut Draft) {
        if draft.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            draft.word = None;
        }
        draft.end_word();
        let mut operator = String::from(operator);
        while let Some(c) = self.chars.next_if(|c| matches!(c, '<' | '>' | '&' | '-' | '|')) {
            operator.push(c);
        }
        while self.chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let mut target = Draft::default();
        while let Some(c) = self.chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '|' | '&' | ')'))
        {
            self.word_part(c, &mut target);
        }
        if matches!(operator.as_str(), "<<" | "<<-") {
            self.heredocs.extend(target.word);
        }
    }

    /// Passes over the lines that belong to here-documents.
    fn skip_heredocs(&mut self) {
        for delimiter in std::mem::take(&mut self.heredocs) {
            loop {
                let line: String = std::iter::from_fn(|| self.chars.next_if(|c| *c != '\n')).collect();
                if self.chars.next().is_none() || line.trim_start_matches('\t') == delimiter {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(script: &str) -> Vec<String> {
        simple_commands(script).iter().map(|words| words.join("·")).collect()
    }

    #[test]
    fn words_are_split_as_the_shell_splits_them() {
        assert_eq!(commands("a b\\ c 'd \"e' \"f 'g \\\" h\" ''"), ["a·b c·d \"e·f 'g \" h·"]);
        assert_eq!(commands("a \\\n  b # c\n#d\ne#f"), ["a·b", "e#f"]);
        assert_eq!(commands(""), Vec::<String>::new());
    }

    #[test]
    fn every_command_of_a_list_or_pipeline_is_found() {
        assert_eq!(commands("a 1 && b 2 || c; d | e &\n(f)"), ["a·1", "b·2", "c", "d", "e", "f"]);
    }

    #[test]
    fn substituted_commands_are_found_too() {
        assert_eq!(
            commands("T=$(a b | c)\nd \"x $(e f) y\" `g h`"),
            ["a·b", "c", "e·f", "g·h", "d·x $(...) y·`...`"]
        );
        assert_eq!(commands("a $T '$(b)'"), ["a·$T·$(b)"]);
    }

    #[test]
    fn assignments_and_redirections_are_left_out() {
        assert_eq!(commands("A=1 B='2 3' c d=e"), ["c·d=e"]);
        assert_eq!(commands("a >b 2>&1 c 2>/dev/null <d >> e; f>g"), ["a·c", "f"]);
    }

    #[test]
    fn here_documents_are_no_commands() {
        assert_eq!(commands("a <<EOF | b\nc d\nEOF\ne <<-'X'\n\tf\n\tX\ng"), ["a", "b", "e", "g"]);
        assert_eq!(commands("a <<EOF\nnever ends"), ["a"]);
    }
}
