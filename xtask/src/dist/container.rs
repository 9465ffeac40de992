//! The folder that a container is built from.

use super::Parts;
use super::files::{copy, make_folder, put};
use crate::error::Error;
use crate::root;
use std::path::Path;

/// Fills the folder: `podman build --format docker target/dist/container`.
pub(super) fn make(parts: &Parts, folder: &Path) -> Result<(), Error> {
    copy(&root().join("deploy/container/Containerfile"), &folder.join("Containerfile"))?;
    put(&parts.static_program, &folder.join("root/usr/bin/jeton"), 0o755)?;
    let documents = folder.join("root/usr/share/doc/jeton");
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root().join(licence), &documents.join(licence))?;
    }
    copy(&parts.licences, &documents.join("third-party-licences.txt"))?;
    // Empty: it becomes the data directory, with its owner.
    make_folder(&folder.join("state/jeton"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tests::parts;
    use std::fs;

    /// The words of the instructions of this name.
    fn instructions<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect()
    }

    #[test]
    fn a_container_is_built_from_what_is_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("container");
        make(&parts(folder.path()), &place).unwrap();
        let text = fs::read_to_string(place.join("Containerfile")).unwrap();
        let copied = instructions(&text, "COPY");
        assert!(!copied.is_empty());
        for line in copied {
            let from = line.split(' ').find(|word| !word.starts_with("--")).unwrap();
            assert!(place.join(from).is_dir(), "{line}");
        }
        let program =
            place.join("root").join(instructions(&text, "ENTRYPOINT")[0].trim_matches(['[', ']', '"', '/']));
        assert!(program.is_file(), "{}", program.display());
        assert!(instructions(&text, "HEALTHCHECK")[0].ends_with(r#"CMD ["/usr/bin/jeton", "healthcheck"]"#));
        // The owner of the data is who runs the program, and not root.
        let user = instructions(&text, "USER")[0];
        assert!(user.split(':').all(|id| id.parse::<u32>().unwrap() > 0), "{user}");
        assert!(text.contains(&format!("COPY --chown={user} state/ /var/lib/")), "{text}");
    }
}
