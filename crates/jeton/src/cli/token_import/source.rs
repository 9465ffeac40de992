//! The lines of an import, read from a file or from standard input as they are needed.

use super::line::row;
use crate::error::CommandError;
use crate::request::{ImportLine, ImportText};
use crate::text::{MARK, named_file, refuse_utf16};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use tokio::sync::mpsc;

/// What goes into one transaction, others' writes in between, and with the longest lines into one message.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Batches that were read and wait to be imported.
const BATCHES_AHEAD: usize = 2;
/// The bytes of a line.
const LINE_BYTES: usize = 64 * 1024;

/// A line that is not imported, and why.
pub(super) struct Refused {
    pub(super) line: u64,
    pub(super) reason: String,
}

/// Lines that are imported together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<ImportLine>,
    pub(super) refused: Vec<Refused>,
    /// The number of the last line, and where it ends.
    pub(super) last_line: u64,
    pub(super) end: u64,
    bytes: usize,
}

/// The batches of a file or of standard input, which a thread of its own reads.
pub(super) struct Source {
    batches: mpsc::Receiver<io::Result<Option<Batch>>>,
    /// How many bytes there are, where that is known.
    pub(super) size: Option<u64>,
    name: String,
}

impl Source {
    /// Begins to read. `-` and nothing mean standard input.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CommandError> {
        let path = named_file(path);
        let name = path.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
        let failed = |error: io::Error| CommandError::usage(format!("{name}: {error}"));
        let (input, size): (Box<dyn Read + Send>, _) = match path {
            None => (Box::new(io::stdin()), None),
            Some(path) => {
                let file = File::open(path).map_err(failed)?;
                let known = file.metadata().map_err(failed)?;
                if known.is_dir() {
                    return Err(CommandError::usage(format!("{name}: this is a directory: name a file")));
                }
                (Box::new(file), known.is_file().then_some(known.len()))
            }
        };
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        // It may wait for ever, for who sends nothing: nobody waits for it.
        std::thread::spawn(move || send(input, &sender));
        Ok(Source { batches, size, name })
    }

    /// The next batch; `None`: there is nothing more.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, CommandError> {
        match self.batches.recv().await {
            Some(Ok(batch)) => Ok(batch),
            Some(Err(error)) => Err(CommandError::usage(format!("{}: {error}", self.name))),
            // It says so when it is at the end.
            None => Err(CommandError::unavailable(format!("{}: reading it has failed", self.name))),
        }
    }
}

/// Sends the batches, and `None` at the end.
fn send(input: impl Read, to: &mpsc::Sender<io::Result<Option<Batch>>>) {
    let mut lines = Lines { input: BufReader::with_capacity(1 << 16, input), number: 0, end: 0 };
    loop {
        let batch = lines.batch();
        let is_over = !matches!(batch, Ok(Some(_)));
        if to.blocking_send(batch).is_err() || is_over {
            return;
        }
    }
}

struct Lines<R> {
    input: BufReader<R>,
    /// How many lines and bytes were read.
    number: u64,
    end: u64,
}

impl<R: Read> Lines<R> {
    /// The next lines, as many as go together; `None`: there are none.
    fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        while batch.rows.len() + batch.refused.len() < BATCH_ROWS && batch.bytes < BATCH_BYTES {
            let Some(line) = self.line()? else { break };
            let line_number = self.number;
            batch.last_line = line_number;
            batch.bytes += line.len();
            match parsed(&line) {
                None => {}
                Some(Ok(row)) => batch.rows.push(ImportLine { line: line_number, row }),
                Some(Err(reason)) => batch.refused.push(Refused { line: line_number, reason }),
            }
        }
        batch.end = self.end;
        Ok((batch.last_line > 0).then_some(batch))
    }

    /// The next line, of which no more is kept than one byte too many.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut read = (&mut self.input).take(LINE_BYTES as u64 + 2).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        while line.len() > LINE_BYTES && !line.ends_with(b"\n") {
            line.truncate(LINE_BYTES + 1);
            let mut rest = Vec::new();
            let more = (&mut self.input).take(LINE_BYTES as u64).read_until(b'\n', &mut rest)?;
            read += more;
            if more == 0 || rest.ends_with(b"\n") {
                break;
            }
        }
        (self.number, self.end) = (self.number + 1, self.end + read as u64);
        if self.number == 1 {
            refuse_utf16(&line).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))?;
            if line.starts_with(MARK.encode_utf8(&mut [0; 4]).as_bytes()) {
                line.drain(..MARK.len_utf8());
            }
        }
        Ok(Some(line))
    }
}

/// What a line says; `None`: nothing.
fn parsed(line: &[u8]) -> Option<Result<ImportText, String>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LINE_BYTES {
        return Some(Err(format!("the line has more than {LINE_BYTES} bytes")));
    }
    match std::str::from_utf8(line) {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(row(text)),
        Err(_) => Some(Err("the line is not UTF-8 text".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::SecretText;

    fn secret(row: &ImportText) -> &str {
        match &row.secret {
            SecretText::AccessToken(secret) => secret,
            SecretText::Sealed { .. } => panic!("it is in clear"),
        }
    }

    fn batches(text: &[u8]) -> Vec<Batch> {
        let mut lines = Lines { input: BufReader::new(text), number: 0, end: 0 };
        std::iter::from_fn(|| lines.batch().unwrap()).collect()
    }

    #[test]
    fn lines_have_their_numbers_whatever_stands_between_them() {
        let text = "\u{feff}{\"access_token\":\"a\"}\r\n\n  \nx\n{\"access_token\":\"b\"}";
        let [batch] = &batches(text.as_bytes())[..] else { panic!("one batch is enough") };
        let rows: Vec<_> = batch.rows.iter().map(|line| (line.line, secret(&line.row))).collect();
        assert_eq!(rows, [(1, "a"), (5, "b")]);
        let refused: Vec<_> = batch.refused.iter().map(|refused| refused.line).collect();
        assert_eq!((refused, batch.last_line, batch.end), (vec![4], 5, text.len() as u64));
    }

    #[test]
    fn batches_are_bounded_and_leave_nothing_out() {
        let line = b"{\"access_token\":\"a\"}\n";
        let text = line.repeat(BATCH_ROWS * 2 + 7);
        let all = batches(&text);
        assert_eq!(all.iter().map(|batch| batch.rows.len()).collect::<Vec<_>>(), [BATCH_ROWS, BATCH_ROWS, 7]);
        let mut long = b"{\"access_token\":\"a\",\"title\":\"".to_vec();
        long.extend(b"t".repeat(LINE_BYTES - long.len() - 3));
        long.extend(b"\"}\n");
        let all = batches(&long.repeat(BATCH_BYTES / LINE_BYTES + 1));
        assert_eq!(all.len(), 2);
        assert_eq!(all.iter().map(|batch| batch.rows.len()).sum::<usize>(), BATCH_BYTES / LINE_BYTES + 1);
    }

    #[test]
    fn what_is_too_long_is_refused_and_what_follows_it_is_read() {
        for length in [LINE_BYTES + 1, LINE_BYTES + 2, 2 * LINE_BYTES + 1, 5 * LINE_BYTES] {
            let mut text = b"x".repeat(length);
            text.extend(b"\n{\"access_token\":\"a\"}\n");
            let [batch] = &batches(&text)[..] else { panic!("one batch is enough") };
            assert_eq!(batch.refused[0].reason, "the line has more than 65536 bytes", "{length}");
            assert_eq!((batch.rows.len(), batch.rows[0].line, batch.end), (1, 2, text.len() as u64));
        }
        let [batch] = &batches(b"\xe9\n")[..] else { panic!("one batch is enough") };
        assert_eq!(batch.refused[0].reason, "the line is not UTF-8 text");
        let mut utf16 = Lines { input: BufReader::new(&b"\xff\xfea\0"[..]), number: 0, end: 0 };
        assert!(utf16.batch().err().unwrap().to_string().contains("UTF-16"));
    }
}
