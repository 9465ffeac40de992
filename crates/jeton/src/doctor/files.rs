//! Who else can read or change the files of an installation.

use super::finding::{Check, Severity};
use std::path::PathBuf;

/// What a file is to an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    DataDir,
    Keys,
    Database,
    ControlSocket,
    TlsKey,
    /// It contains the URL of the database.
    DatabaseUrl,
    /// Settings, with a password among them.
    Settings,
}

/// A file that is there.
#[derive(Clone, Debug)]
pub(super) struct FileFacts {
    pub(super) path: PathBuf,
    pub(super) kind: FileKind,
    /// Its permissions.
    pub(super) mode: u32,
    /// The number of its owner.
    pub(super) owner: u32,
}

/// Bits of permissions: what the group and all others may, and what only all others may.
const READ_BY_OTHERS: u32 = 0o044;
const WRITTEN_BY_OTHERS: u32 = 0o022;
const OPEN_TO_OTHERS: u32 = 0o077;
const OPEN_TO_ALL: u32 = 0o007;

impl FileKind {
    /// The bits that it must not have, how bad each of them is, what is wrong then, and what chmod takes to set it right.
    fn rules(self) -> &'static [(u32, Severity, &'static str, &'static str)] {
        use Severity::{Error, Note, Warning};
        match self {
            FileKind::DataDir => &[
                (
                    WRITTEN_BY_OTHERS,
                    Error,
                    "can be changed by other users, who could replace the keys",
                    "go-w",
                ),
                (OPEN_TO_OTHERS, Note, "can be looked into by other users", "700"),
            ],
            FileKind::Keys => {
                &[(OPEN_TO_OTHERS, Error, "can be read by other users: it holds all keys", "600")]
            }
            FileKind::Database => &[
                (WRITTEN_BY_OTHERS, Error, "can be changed by other users", "600"),
                (
                    READ_BY_OTHERS,
                    Warning,
                    "can be read by other users: users, scopes and addresses are in it in clear",
                    "600",
                ),
            ],
            FileKind::ControlSocket => {
                &[(OPEN_TO_OTHERS, Error, "can be used by other users: whoever can may do anything", "600")]
            }
            FileKind::TlsKey => {
                &[(OPEN_TO_OTHERS, Error, "can be read by other users, and the server refuses it", "600")]
            }
            FileKind::DatabaseUrl => &[(
                OPEN_TO_ALL,
                Warning,
                "can be read by all users: the password of the database is in it",
                "o=",
            )],
            FileKind::Settings => {
                &[(OPEN_TO_ALL, Warning, "can be read by all users: a password is in it", "o=")]
            }
        }
    }

    /// Whether the server writes or reads it as the owner of its data directory.
    fn is_of_data_dir(self) -> bool {
        matches!(self, FileKind::Keys | FileKind::Database)
    }
}

/// Whether only those can read and change them who should.
pub(super) fn permissions(files: &[FileFacts]) -> Check {
    let mut check = Check::new("permissions", format!("files and directories: {}", files.len()));
    let owner = files.iter().find(|file| file.kind == FileKind::DataDir).map(|file| file.owner);
    for file in files {
        let (name, mode) = (file.path.display(), file.mode);
        let broken = file.kind.rules().iter().find(|(bits, ..)| mode & bits != 0);
        if let Some((_, severity, what, wanted)) = broken {
            check.add(
                *severity,
                format!("{name} {what} (mode {mode:04o})"),
                format!("chmod {wanted} {name}"),
            );
        }
        let is_strange = owner.is_some_and(|owner| owner != file.owner);
        if file.kind.is_of_data_dir() && is_strange {
            check.warning(
                format!(
                    "{name} belongs to another user than its directory: the server may not be able to use it"
                ),
                format!(
                    "chown it to the user of the server, who owns the directory (user {})",
                    owner.unwrap_or(0)
                ),
            );
        }
    }
    check
}

/// Whether the first credentials were taken away.
pub(super) fn first_run(file: Option<PathBuf>) -> Check {
    let mut check = Check::new("first-run", "no credentials are kept in a file");
    if let Some(file) = file {
        let name = file.display();
        check.warning(
            format!("{name} is still there: the credentials of an operator and of an app's manager are in it in clear"),
            format!("keep them elsewhere, and rm {name}"),
        );
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;

    #[test]
    fn every_kind_has_its_bounds() {
        for (kind, mode, expected) in [
            (FileKind::DataDir, 0o700, None),
            (FileKind::DataDir, 0o750, Some((Note, "can be looked into"))),
            (FileKind::DataDir, 0o770, Some((Error, "could replace the keys"))),
            (FileKind::Keys, 0o400, None),
            (FileKind::Keys, 0o640, Some((Error, "mode 0640"))),
            (FileKind::Database, 0o600, None),
            (FileKind::Database, 0o640, Some((Warning, "can be read"))),
            (FileKind::Database, 0o660, Some((Error, "can be changed"))),
            (FileKind::ControlSocket, 0o600, None),
            (FileKind::ControlSocket, 0o666, Some((Error, "may do anything"))),
            (FileKind::TlsKey, 0o600, None),
            (FileKind::TlsKey, 0o640, Some((Error, "refuses it"))),
            (FileKind::DatabaseUrl, 0o440, None),
            (FileKind::DatabaseUrl, 0o444, Some((Warning, "password"))),
            (FileKind::Settings, 0o640, None),
            (FileKind::Settings, 0o644, Some((Warning, "password"))),
        ] {
            let file = FileFacts { path: "file".into(), kind, mode, owner: 1 };
            assert_found(&permissions(&[file]), expected.as_slice());
        }
    }

    #[test]
    fn files_of_another_user_are_found() {
        let file = |kind, owner| FileFacts { path: "file".into(), kind, mode: 0o600, owner };
        let directory = FileFacts { mode: 0o700, ..file(FileKind::DataDir, 7) };
        assert_found(&permissions(&[directory.clone(), file(FileKind::Keys, 7)]), &[]);
        let check = permissions(&[directory, file(FileKind::Keys, 0), file(FileKind::TlsKey, 0)]);
        assert_found(&check, &[(Warning, "another user")]);
        assert_found(&first_run(None), &[]);
        assert_found(&first_run(Some("a".into())), &[(Warning, "a is still there")]);
    }
}
