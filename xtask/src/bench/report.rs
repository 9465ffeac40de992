//! What is printed, and written to BENCHMARKS.md.

use super::stats::{Figure, Series};
use crate::error::Error;
use crate::page;
use crate::root;
use std::fs;

const DOCUMENT: &str = "BENCHMARKS.md";

/// What one benchmark found.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    /// What was done, for whoever wants to do it again.
    pub(super) method: String,
    pub(super) rows: Vec<Row>,
}

/// One line of figures.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) series: Series,
    /// What DESIGN asks of the median.
    pub(super) budget: Option<Budget>,
}

/// A bound on a median.
#[derive(Clone, Copy, Debug)]
pub(super) enum Budget {
    AtLeast(f64),
    AtMost(f64),
}

impl Budget {
    fn holds(self, median: f64) -> bool {
        match self {
            Budget::AtLeast(bound) => median >= bound,
            Budget::AtMost(bound) => median <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Budget::AtLeast(bound) => format!("at least {}", Figure(bound)),
            Budget::AtMost(bound) => format!("at most {}", Figure(bound)),
        }
    }
}

impl Row {
    pub(super) fn new(what: impl Into<String>, series: Series) -> Self {
        Row { what: what.into(), series, budget: None }
    }

    pub(super) fn within(self, budget: Budget) -> Self {
        Row { budget: Some(budget), ..self }
    }

    fn text(&self) -> String {
        let Some(summary) = self.series.summary() else {
            return format!("| {} | - | - | - | |\n", self.what);
        };
        let budget = self.budget.map_or(String::new(), |budget| {
            let verdict = if budget.holds(summary.median) { "met" } else { "**missed**" };
            format!("{}: {verdict}", budget.text())
        });
        let [min, median, max] = [summary.min, summary.median, summary.max].map(Figure);
        format!("| {} | {min} | {median} | {max} | {budget} |\n", self.what)
    }
}

impl Section {
    fn heading(&self) -> String {
        format!("## {}\n", self.title)
    }

    pub(super) fn text(&self) -> String {
        let rows: String = self.rows.iter().map(Row::text).collect();
        format!(
            "{}\n{}\n\n| | minimum | median | maximum | budget for the median |\n|---|---|---|---|---|\n{rows}",
            self.heading(),
            page::wrapped(&self.method)
        )
    }
}

/// Puts a section into the document, in the place of what stood there under its title.
///
/// # Errors
/// It cannot be read or written.
pub(super) fn write(section: &Section) -> Result<(), Error> {
    let path = root().join(DOCUMENT);
    let before = fs::read_to_string(&path).unwrap_or_default();
    let machine = page::machine(&["rustc", "redis-server"]);
    let after = with_section(&before, section, &machine);
    fs::write(&path, after).map_err(|source| Error::Files { what: DOCUMENT.to_owned(), source })
}

fn with_section(document: &str, section: &Section, machine: &str) -> String {
    let text = format!("{}\nMeasured on {machine}.\n", section.text());
    page::with_section(HEAD, document, &section.heading(), text)
}

/// Says what a reader must know about all sections.
const HEAD: &str = "# Benchmarks

`cargo xtask bench` writes this page: it installs what it needs, builds the program as it ships, starts the programs that it compares
on free ports of this machine, and asks them in turn, round after round, so that whatever else the machine does falls on all of
them alike. A ratio is taken within a round. The load generator runs on the same machine, and its share is part of every figure. To
repeat a section, run `cargo xtask bench` with its name; `--rounds` and `--seconds` make it longer.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn section(title: &'static str, figures: &[f64]) -> Section {
        let row = Row::new("jeton / bare", figures.iter().copied().collect()).within(Budget::AtLeast(0.9));
        Section { title, method: "Thus.".to_owned(), rows: vec![row] }
    }

    #[test]
    fn a_row_says_whether_the_budget_is_met() {
        let text = section("a", &[0.91, 0.89, 0.95]).text();
        assert!(text.contains("| jeton / bare | 0.89 | 0.91 | 0.95 | at least 0.90: met |"), "{text}");
        let text = section("a", &[0.5]).text();
        assert!(text.contains("at least 0.90: **missed** |"), "{text}");
        assert!(Budget::AtMost(1.0).holds(1.0) && !Budget::AtMost(1.0).holds(1.1));
        assert!(section("a", &[]).text().contains("| jeton / bare | - | - | - | |"));
    }

    #[test]
    fn a_section_takes_the_place_of_the_older_one() {
        let one = with_section("", &section("one", &[1.0]), "a machine");
        let two = with_section(&one, &section("two", &[2.0]), "a machine");
        let again = with_section(&two, &section("one", &[3.0]), "another machine");
        assert!(again.starts_with(HEAD));
        assert_eq!(again.matches("\n## one\n").count(), 1);
        let (first, second) = again.split_once("\n## two\n").unwrap();
        assert!(first.contains("3.00") && first.contains("another machine") && !first.contains("1.00"));
        assert!(second.contains("2.00") && second.contains("a machine"));
        assert_eq!(with_section(&again, &section("one", &[3.0]), "another machine"), again);
    }
}
