//! The search for leaked secrets.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Forms shorter than this would be found by chance, so they are not searched for.
const SHORTEST_BYTES: usize = 8;

/// Secrets that were issued in a test, to search for in every form in which they could have leaked:
/// the text itself, the bytes that it spells in hex (after its last `_`, where a prefix ends), and either of
/// them in lower-case hex, upper-case hex, base64 and base64url, wherever in a longer encoded value they
/// begin.
///
/// Not found: secrets that are encrypted, compressed, split across pages, or in mixed-case hex.
pub struct Canaries {
    needles: Vec<Needle>,
}

/// One place where a secret was found. Identifies it by its index, never by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The file; empty for a text.
    pub place: PathBuf,
    /// Which of the secrets, counted from 0.
    pub secret: usize,
    /// The form in which it was found.
    pub form: &'static str,
    /// The number of bytes before it; `None` if the file's name contains it.
    pub offset: Option<usize>,
}

struct Needle {
    secret: usize,
    form: &'static str,
    finder: Finder<'static>,
}

impl Canaries {
    /// Prepares the search for `secrets`.
    ///
    /// # Panics
    /// There are none, or one is shorter than 8 bytes: such a search would prove nothing.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut needles = Vec::new();
        for (secret, text) in secrets.into_iter().enumerate() {
            let text = text.as_ref();
            assert!(text.len() >= SHORTEST_BYTES, "secret {secret} is too short to be looked for");
            needles.extend(forms(text).into_iter().map(|(form, bytes)| Needle {
                secret,
                form,
                finder: Finder::new(&bytes).into_owned(),
            }));
        }
        assert!(!needles.is_empty(), "no secret to look for");
        Canaries { needles }
    }

    /// Every form of every secret in `text`, such as a log, a dump or an answer's body; the first
    /// place of each.
    pub fn in_text(&self, text: impl AsRef<[u8]>) -> Vec<Sighting> {
        self.sightings(Path::new(""), text.as_ref()).collect()
    }

    /// The same for every file under `directory`, and for the files' names. Symbolic links are not followed;
    /// what is deleted while the search goes on is passed over.
    ///
    /// # Errors
    /// Something could not be read.
    ///
    /// # Panics
    /// There is no file at all: such a search would prove nothing.
    pub fn under(&self, directory: &Path) -> io::Result<Vec<Sighting>> {
        let mut files = Vec::new();
        collect_files(directory, &mut files)?;
        let mut sightings = Vec::new();
        let mut files_read = 0;
        for file in files {
            let Some(content) = unless_gone(fs::read(&file))? else { continue };
            files_read += 1;
            sightings.extend(self.sightings(&file, &content));
            let name = file.strip_prefix(directory).unwrap_or(&file).as_os_str().as_encoded_bytes();
            sightings.extend(self.sightings(&file, name).map(|s| Sighting { offset: None, ..s }));
        }
        assert!(files_read > 0, "no file under {}, so nothing was searched", directory.display());
        Ok(sightings)
    }

    fn sightings(&self, place: &Path, content: &[u8]) -> impl Iterator<Item = Sighting> {
        self.needles.iter().filter_map(move |needle| {
            let offset = Some(needle.finder.find(content)?);
            Some(Sighting { place: place.to_owned(), secret: needle.secret, form: needle.form, offset })
        })
    }
}

impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canaries({} forms)", self.needles.len())
    }
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sighting { place, secret, form, offset } = self;
        let place = if place.as_os_str().is_empty() { Path::new("the text") } else { place };
        match offset {
            Some(offset) => write!(f, "{} holds secret {secret} as {form} at byte {offset}", place.display()),
            None => write!(f, "a file's name holds secret {secret} as {form}"),
        }
    }
}

/// Every form to search for `text` in, each once.
fn forms(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("text", text.to_vec())];
    forms.push(("text in hex", hex(text).into_bytes()));
    forms.push(("text in upper-case hex", hex(text).to_uppercase().into_bytes()));
    forms.extend(base64_forms(text).into_iter().map(|form| ("text in base64", form)));
    if let Some(bytes) = spelled_bytes(text) {
        forms.push(("bytes in hex", hex(&bytes).into_bytes()));
        forms.push(("bytes in upper-case hex", hex(&bytes).to_uppercase().into_bytes()));
        forms.extend(base64_forms(&bytes).into_iter().map(|form| ("bytes in base64", form)));
        forms.push(("bytes", bytes));
    }
    let mut seen = BTreeSet::new();
    forms.retain(|(_, bytes)| bytes.len() >= SHORTEST_BYTES && seen.insert(bytes.clone()));
    forms
}

/// The bytes that a secret spells in hex, if it does.
fn spelled_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.rsplit(|byte| *byte == b'_').next().filter(|digits| !digits.is_empty())?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `bytes` look like inside base64 of something longer, in either alphabet, for each of the three ways
/// in which they can lie across its groups of three bytes. Digits that neighbouring bytes share in are left
/// off.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for lead in 0..3 {
            let padded = [&[0; 2][..lead], bytes].concat();
            let digits = engine.encode(&padded).into_bytes();
            // Each digit stands for 6 bits: those wholly within `bytes` are the same whatever stands around
            // them.
            let (first, end) = ((lead * 8).div_ceil(6), padded.len() * 8 / 6);
            forms.push(digits[first..end].to_vec());
        }
    }
    forms
}

fn collect_files(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(kind) = unless_gone(entry.file_type())? else { continue };
        if kind.is_dir() {
            unless_gone(collect_files(&entry.path(), files))?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
#[path = "canary_tests.rs"]
mod tests;
