//! The licences of what the program contains, whose texts have to come with it.

use super::sbom::{Bill, Component};
use crate::error::Error;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What the names of files with such texts begin with.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// The licence of each crate, and then each text once, with who has it.
///
/// # Errors
/// The sources of a crate cannot be read.
pub(super) fn text(bill: &Bill) -> Result<String, Error> {
    let mut text =
        "What the program jeton contains, the licence of each crate, and the texts that the crates have.\n\n"
            .to_owned();
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for component in bill.components.iter().filter(|component| is_foreign(component)) {
        let (name, version) = &component.id;
        text += &format!("{name} {version}: {}\n", component.licence);
        for licence in texts(&component.folder)? {
            owners.entry(licence).or_default().push(format!("{name} {version}"));
        }
    }
    for (licence, owners) in owners {
        text += &format!("\n{}\n{}:\n\n{licence}\n", "-".repeat(78), owners.join(", "));
    }
    Ok(text)
}

fn is_foreign(component: &Component) -> bool {
    !component.id.0.starts_with("jeton")
}

/// The texts in a folder, each without what editors leave around it.
fn texts(folder: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Files { what: folder.display().to_string(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().to_ascii_uppercase();
        if NAMES.iter().any(|known| name.starts_with(known)) && entry.path().is_file() {
            let text = fs::read(entry.path()).map_err(failed)?;
            found.push(String::from_utf8_lossy(&text).replace('\r', "").trim().to_owned());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("LICENSE-MIT", "MIT\r\n\n"),
            ("license.md", "MIT"),
            ("NOTICE", "notice\n"),
            ("README.md", "read me"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("licenses")).unwrap();
        assert_eq!(texts(folder.path()).unwrap(), ["MIT", "notice"]);
        assert!(texts(&folder.path().join("gone")).is_err());
    }

    #[test]
    fn every_crate_is_named_and_texts_stand_once() {
        let text = text(&Bill::of_program().unwrap()).unwrap();
        assert!(text.contains("\ntokio 1."), "{}", &text[..2_000]);
        assert!(!text.contains("\njeton"), "ours has its own files");
        let apache = text.matches("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION").count();
        // Its text is there in a few forms, and not once for each of two hundred crates.
        assert!((1..40).contains(&apache), "{apache}");
    }
}
