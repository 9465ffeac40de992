//! The server of this data directory.

use super::finding::Check;
use crate::control::Presence;
use jeton_http::ServerLimits;

/// Whether it answers. The error says why it does not.
pub(super) fn server(presence: &Result<Presence, String>) -> Check {
    let own = env!("CARGO_PKG_VERSION");
    match presence {
        Ok(Presence::Absent) => Check::new("server", "none runs on this data directory"),
        Ok(Presence::Here { version, .. }) => {
            let version = version.as_deref().unwrap_or("of another version");
            let mut check = Check::new("server", format!("jeton {version} answers commands"));
            if version != own {
                check.note(
                    format!("the server is jeton {version}, and this program is {own}"),
                    "restart the server with the new version, or use the program that it runs",
                );
            }
            check
        }
        Ok(Presence::Elsewhere { .. }) => {
            let mut check = Check::new("server", "one answers commands, about another database");
            check.warning(
                "the server of this data directory works on another database than these settings name",
                "run doctor with the settings of the server: --config, --database-url, the environment",
            );
            check
        }
        Err(error) => {
            let mut check = Check::new("server", "it does not answer");
            check.error(error, "continue it if it is suspended; else look into its log, and restart it");
            check
        }
    }
}

/// How many files a process may open, and whose limit that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DescriptorFacts {
    /// `None`: without limit.
    pub(super) limit: Option<u64>,
    /// Of the server, or of this program, whose limit one that is started from here would have.
    pub(super) is_of_server: bool,
}

/// Whether they are enough for the connections that clients may have.
pub(super) fn descriptors(facts: &DescriptorFacts, limits: &ServerLimits) -> Check {
    let whose = if facts.is_of_server { "the server" } else { "a server that is started from here" };
    let Some(limit) = facts.limit else { return Check::new("descriptors", format!("no limit for {whose}")) };
    let mut check = Check::new("descriptors", format!("{limit} for {whose}"));
    let granted = limits.within_descriptors(usize::try_from(limit).unwrap_or(usize::MAX)).connections;
    if granted < limits.connections {
        check.warning(
            format!(
                "{whose} may open {limit} files: it accepts {granted} connections instead of the {} of limits.connections",
                limits.connections
            ),
            "raise the hard limit: LimitNOFILE= of systemd, or ulimit -Hn",
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
    fn a_server_answers_or_is_missed() {
        let here = |version: Option<&str>| {
            Ok(Presence::Here { process: Some(7), version: version.map(str::to_owned) })
        };
        assert_found(&server(&Ok(Presence::Absent)), &[]);
        assert_found(&server(&here(Some(env!("CARGO_PKG_VERSION")))), &[]);
        assert_found(&server(&here(Some("0.0.1"))), &[(Note, "jeton 0.0.1")]);
        assert_found(&server(&here(None)), &[(Note, "of another version")]);
        assert_found(&server(&Ok(Presence::Elsewhere { process: None })), &[(Warning, "another database")]);
        assert_found(&server(&Err("it is stopped".to_owned())), &[(Error, "it is stopped")]);
    }

    #[test]
    fn descriptors_are_enough_for_connections() {
        let limits = ServerLimits::default();
        let found = |limit, expected: &[_]| {
            assert_found(&descriptors(&DescriptorFacts { limit, is_of_server: true }, &limits), expected);
        };
        found(None, &[]);
        found(Some(65_536), &[]);
        found(Some(1_024), &[(Warning, "832 connections instead of the 8192")]);
    }
}
