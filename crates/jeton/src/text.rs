//! Text from users, in files or on standard input.

use crate::error::CommandError;
use std::io::Read;
use std::path::Path;

/// The byte-order mark, which some editors write before a text to mark it as UTF-8. It is not part of the
/// text.
pub(crate) const MARK: char = '\u{feff}';

/// The file that an argument names; `None`: `-` or nothing stands for standard input or output.
pub(crate) fn named_file(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| path.as_os_str() != "-")
}

/// Reads a file, or standard input (see [`named_file`]), as UTF-8 without a byte-order mark. The error names the source and quotes
/// nothing of it.
pub(crate) fn read_input(path: Option<&Path>) -> Result<String, CommandError> {
    let Some(path) = named_file(path) else {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| error.to_string());
        let text = read.and_then(|_| text_of(bytes));
        return text.map_err(|reason| CommandError::usage(format!("standard input: {reason}")));
    };
    read_text(path).map_err(|reason| CommandError::usage(format!("{}: {reason}", path.display())))
}

/// The same for a file; the error is the reason.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read(path).map_err(|error| error.to_string()).and_then(text_of)
}

/// Refuses what begins as UTF-16.
pub(crate) fn refuse_utf16(bytes: &[u8]) -> Result<(), &'static str> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if is_utf16 { Err("this is UTF-16: save it as UTF-8") } else { Ok(()) }
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    refuse_utf16(&bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| "this is not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text))
}

/// Whether no output is to be coloured, whatever it goes to.
pub(crate) fn colours_are_unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_no_part_of_a_text() {
        let text = |bytes: &[u8]| text_of(bytes.to_vec());
        assert_eq!(text("\u{feff}{}".as_bytes()), Ok("{}".to_owned()));
        assert_eq!(text("a\u{feff}b".as_bytes()), Ok("a\u{feff}b".to_owned()));
        assert_eq!(text(b""), Ok(String::new()));
        for (bytes, reason) in
            [(&b"\xff\xfea\0"[..], "UTF-16"), (b"\xfe\xff\0a", "UTF-16"), (b"\xe9t\xe9", "not UTF-8 text")]
        {
            assert!(text(bytes).unwrap_err().contains(reason), "{bytes:?}");
        }
    }
}
