//! The servers of a database, as they describe themselves.

use jeton_core::Timestamp;

/// A server that works on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// A number that it drew when it started.
    pub id: i64,
    /// The name of its machine.
    pub machine: String,
    /// The version of the program.
    pub version: String,
    /// The newest version of the schema that it knows.
    pub schema_version: i64,
    /// When it started, by its own clock.
    pub started_at: Timestamp,
    /// When it wrote this, by its own clock.
    pub written_at: Timestamp,
    /// How far it had read the change log; `None`: it was not following it.
    pub log_read: Option<LogRead>,
    /// The newest key of its ring.
    pub newest_key_id: u32,
    /// The key that it writes with.
    pub current_key_id: u32,
    /// Whether it hears announcements of others' changes.
    pub is_listening: bool,
    /// By how many milliseconds its clock is ahead of the database server's; `None`: there is no such server, or it was not found out.
    pub clock_ahead_ms: Option<i64>,
}

/// How far the change log was read by somebody, and how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// The greatest number of an entry that was read. On PostgreSQL, entries of transactions that were open then may have lower numbers.
    pub to: i64,
    /// For so many milliseconds it has not been known to be read to its end.
    pub unread_ms: i64,
}

/// Notes that a server is there, in the place of what it noted before, and forgets the others that have not written since an instant. Leaves
/// no entry in the change log.
#[derive(Clone, Debug)]
pub struct NoteNode {
    /// The server.
    pub node: Node,
    /// Others are forgotten that have not written since then, by their own clocks.
    pub forget_before: Timestamp,
}

/// Forgets a server. `false`: it is not known. Leaves no entry in the change log.
#[derive(Clone, Copy, Debug)]
pub struct ForgetNode {
    /// Its number.
    pub id: i64,
}

#[cfg(test)]
impl Node {
    /// One with this number.
    pub(crate) fn example(id: i64) -> Self {
        Node {
            id,
            machine: "machine".to_owned(),
            version: "1.0.0".to_owned(),
            schema_version: 1,
            started_at: Timestamp::MIN,
            written_at: Timestamp::MIN,
            log_read: None,
            newest_key_id: 1,
            current_key_id: 1,
            is_listening: false,
            clock_ahead_ms: None,
        }
    }
}
