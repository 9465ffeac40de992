//! Where a SQLite database lies.

use super::finding::Check;

/// A log that is longer than this was not moved into the database for long. The server shortens it to 64 MiB.
const LONG_LOG_BYTES: u64 = 256 << 20;

/// The disk of a SQLite database, and the files beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DiskFacts {
    /// What kind of file system it is, if it is one that other machines share.
    pub(super) network: Option<&'static str>,
    /// The bytes that are free.
    pub(super) free_bytes: Option<u64>,
    /// The bytes that are to be reserved, and those that are.
    pub(super) reserve_bytes: u64,
    pub(super) reserved_bytes: u64,
    /// The bytes of the write-ahead log.
    pub(super) log_bytes: u64,
    /// What the database lacks of what was acknowledged.
    pub(super) shortfall: Option<String>,
}

/// The names of file systems that lie on other machines, or in other programs, by the numbers that statfs(2) has for them.
pub(super) fn network_file_system(magic: u64) -> Option<&'static str> {
    Some(match magic & 0xffff_ffff {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x00c3_6400 => "Ceph",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

/// Whether it is a disk of this machine, with room.
pub(super) fn disk(facts: &DiskFacts) -> Check {
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let free = facts.free_bytes.map_or_else(|| "unknown".to_owned(), mib);
    let mut check =
        Check::new("disk", format!("{free} free, {} in the write-ahead log", mib(facts.log_bytes)));
    if let Some(kind) = facts.network {
        check.error(
            format!("the SQLite database is on {kind}, where locks and memory that is shared do not work as on a disk: it can be destroyed"),
            "move the data directory to a disk of this machine, or the data to PostgreSQL",
        );
    }
    if let Some(free) = facts.free_bytes.filter(|free| *free < facts.reserve_bytes) {
        check.warning(
            format!("{} are free on the disk: soon nothing but revocations is written", mib(free)),
            "free some space, or move the data directory to a larger disk",
        );
    }
    if facts.reserved_bytes < facts.reserve_bytes {
        check.warning(
            format!(
                "{} of {} are reserved for revoking on a full disk",
                mib(facts.reserved_bytes),
                mib(facts.reserve_bytes)
            ),
            "free some space: the next write takes the reserve back. If no server has run with this setting yet, start one",
        );
    }
    if facts.log_bytes > LONG_LOG_BYTES {
        check.warning(
            format!(
                "the write-ahead log has {}: something that reads for very long keeps it from being emptied",
                mib(facts.log_bytes)
            ),
            "end the other program that has jeton.db open, or restart the server",
        );
    }
    if let Some(shortfall) = &facts.shortfall {
        check.error(
            format!("{shortfall}: acknowledged writes are lost, and perhaps a revocation is among them"),
            "if a file was removed or replaced by an older copy, stop the server and put it back, or restore a backup",
        );
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;

    #[test]
    fn a_disk_is_near_and_has_room() {
        let good = DiskFacts {
            free_bytes: Some(1 << 30),
            reserve_bytes: 16 << 20,
            reserved_bytes: 16 << 20,
            ..DiskFacts::default()
        };
        assert_found(&disk(&good), &[]);
        assert_eq!(disk(&good).seen, "1024 MiB free, 0 MiB in the write-ahead log");
        assert_found(&disk(&DiskFacts { network: Some("NFS"), ..good.clone() }), &[(Error, "on NFS")]);
        let full = DiskFacts { free_bytes: Some(15 << 20), ..good.clone() };
        assert_found(&disk(&full), &[(Warning, "15 MiB are free")]);
        let released = DiskFacts { reserved_bytes: 3 << 20, ..good.clone() };
        assert_found(&disk(&released), &[(Warning, "3 MiB of 16 MiB are reserved")]);
        let long = DiskFacts { log_bytes: 300 << 20, ..good.clone() };
        assert_found(&disk(&long), &[(Warning, "300 MiB")]);
        let older = DiskFacts { shortfall: Some("it is older".to_owned()), ..good };
        assert_found(&disk(&older), &[(Error, "it is older: ")]);
    }

    #[test]
    fn file_systems_are_known_by_their_numbers() {
        // As some systems have them: of 64 bits, with the sign of 32.
        let magics = [0x6969, 0xffff_ffff_ff53_4d42, 0x6573_5546, 0xef53, 0x0102_1994];
        assert_eq!(magics.map(network_file_system), [Some("NFS"), Some("SMB"), Some("FUSE"), None, None]);
    }
}
