//! What a check says.

use jeton_core::Timestamp;
use jeton_store::Node;
use std::fmt;

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Something does not work, or is open to others, or acknowledged data can be lost.
    Error,
    /// Something is not as it should be.
    Warning,
    /// Something that somebody may have chosen, and should know.
    Note,
}

impl Severity {
    pub(crate) const ALL: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// What.
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) action: String,
}

/// A check that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// What was looked at, in a few words.
    pub(crate) seen: String,
    pub(crate) findings: Vec<Finding>,
}

impl Check {
    pub(crate) fn new(name: &'static str, seen: impl Into<String>) -> Self {
        Check { name, seen: seen.into(), findings: Vec::new() }
    }

    pub(crate) fn error(&mut self, found: impl Into<String>, action: impl Into<String>) {
        self.add(Severity::Error, found, action);
    }

    pub(crate) fn warning(&mut self, found: impl Into<String>, action: impl Into<String>) {
        self.add(Severity::Warning, found, action);
    }

    pub(crate) fn note(&mut self, found: impl Into<String>, action: impl Into<String>) {
        self.add(Severity::Note, found, action);
    }

    pub(crate) fn add(&mut self, severity: Severity, found: impl Into<String>, action: impl Into<String>) {
        self.findings.push(Finding { severity, found: found.into(), action: action.into() });
    }

    /// Whether it found nothing that is wrong.
    pub(crate) fn is_fine(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Note)
    }
}

/// All that was found.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Check>,
    /// The servers of the database.
    pub(crate) nodes: Vec<Node>,
    /// By the clock of the database server.
    pub(crate) looked_at: Timestamp,
    /// Whether the database could not be looked at.
    pub(crate) is_out_of_reach: bool,
}

impl Report {
    /// Everything that was found, with the name of its check, the worst first.
    pub(crate) fn findings(&self) -> Vec<(&'static str, &Finding)> {
        let found = self.checks.iter().flat_map(|check| check.findings.iter().map(|it| (check.name, it)));
        let mut findings: Vec<_> = found.collect();
        findings.sort_by_key(|(_, finding)| finding.severity);
        findings
    }

    /// How many of this severity there are.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.findings().iter().filter(|(_, finding)| finding.severity == severity).count()
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_ok(&self) -> bool {
        self.checks.iter().all(Check::is_fine)
    }
}

/// Of a list the first few, and how many more there are.
pub(crate) fn some_of<T: fmt::Display>(all: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A span in the unit that suits it.
pub(crate) fn span(millis: i64) -> String {
    match millis.unsigned_abs() {
        millis @ 0..10_000 => format!("{} s", millis as f64 / 1e3),
        millis @ 10_000..120_000 => format!("{} s", millis / 1_000),
        millis @ 120_000..7_200_000 => format!("{} min", millis / 60_000),
        millis @ 7_200_000..172_800_000 => format!("{} h", millis / 3_600_000),
        millis => format!("{} d", millis / 86_400_000),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The findings of a check, in its order: severity and a part of what was found each.
    #[track_caller]
    pub(crate) fn assert_found(check: &Check, expected: &[(Severity, &str)]) {
        let is_as_expected = check.findings.len() == expected.len()
            && check.findings.iter().zip(expected).all(|(finding, (severity, part))| {
                finding.severity == *severity && finding.found.contains(part) && !finding.action.is_empty()
            });
        assert!(is_as_expected, "not {expected:?}: {check:#?}");
    }

    #[test]
    fn spans_are_short() {
        let spans = [0, 1, 1_500, -9_999, 10_500, 119_999, 120_000, 7_200_000, 172_800_000].map(span);
        assert_eq!(spans, ["0 s", "0.001 s", "1.5 s", "9.999 s", "10 s", "119 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(some_of(&[1, 2]), "1, 2");
        assert_eq!(some_of(&[1, 2, 3, 4, 5, 6, 7]), "1, 2, 3, 4, 5 and 2 more");
    }

    #[test]
    fn the_worst_comes_first_and_notes_are_fine() {
        let mut check = Check::new("a", "");
        check.note("n", "x");
        let (looked_at, nodes) = (Timestamp::MIN, Vec::new());
        let mut report = Report { checks: vec![check.clone()], nodes, looked_at, is_out_of_reach: false };
        assert!(report.is_ok());
        check.name = "b";
        check.error("e", "x");
        check.warning("w", "x");
        report.checks.push(check);
        assert!(!report.is_ok());
        let order: Vec<_> = report.findings().iter().map(|(name, it)| (*name, it.found.as_str())).collect();
        assert_eq!(order, [("b", "e"), ("b", "w"), ("a", "n"), ("b", "n")]);
        assert_eq!([Severity::Error, Severity::Note].map(|severity| report.count(severity)), [1, 2]);
    }
}
