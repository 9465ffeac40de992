//! What proofs found, as PROOFS.md keeps it.

use super::{GUARANTEES, Guarantee};
use crate::error::Error;
use crate::page;
use crate::process::output;
use crate::root;
use std::fs;
use std::process::Command;

const DOCUMENT: &str = "PROOFS.md";

/// Says what a reader must know about all sections.
const HEAD: &str = "# Proofs

`cargo xtask prove` writes this page: each section is one guarantee and the figures of the last proof that succeeded, with its date,
how often the whole proof was run, and the machine. A proof that fails stops the command and leaves its section as it was. To
repeat one, run `cargo xtask prove` with its name; `--rounds` repeats it.
";

/// What stands under a guarantee that was not proved yet.
const NOT_RUN: &str = "Not run since this page exists.";

/// A proof that succeeded.
pub(super) struct Record {
    guarantee: &'static Guarantee,
    /// `2026-11-21`, in UTC.
    date: String,
    rounds: u32,
    figures: Vec<String>,
    machine: String,
}

impl Record {
    /// What was found just now, on this machine.
    ///
    /// # Errors
    /// `date` does not run.
    pub(super) fn of_today(
        guarantee: &'static Guarantee,
        rounds: u32,
        figures: Vec<String>,
    ) -> Result<Self, Error> {
        let date = output(Command::new("date").args(["-u", "+%F"]))
            .ok_or_else(|| Error::Missing("`date -u +%F` does not run.".to_owned()))?;
        let machine = page::machine(&["rustc", "psql"]);
        Ok(Record { guarantee, date: date.trim().to_owned(), rounds, figures, machine })
    }

    /// Puts it into the page, in the place of what stood there under its guarantee.
    ///
    /// # Errors
    /// The page cannot be read or written.
    pub(super) fn write(&self) -> Result<(), Error> {
        let path = root().join(DOCUMENT);
        let failed = |source| Error::Files { what: DOCUMENT.to_owned(), source };
        let before = fs::read_to_string(&path).map_err(failed)?;
        fs::write(&path, with_record(&before, Some(self))).map_err(failed)
    }

    fn text(&self) -> String {
        let figures: String = self.figures.iter().map(|figure| format!("- {figure}\n")).collect();
        let times = if self.rounds == 1 { "once".to_owned() } else { format!("{} times", self.rounds) };
        format!("{figures}\nRun {times} on {}, on {}.\n", self.date, self.machine)
    }
}

/// The page with `record` in its place. Every guarantee has a section, in their order; those of no guarantee
/// go.
fn with_record(document: &str, record: Option<&Record>) -> String {
    let before = page::sections(document);
    let section = |guarantee: &Guarantee| {
        let heading = format!("## {}\n", guarantee.name);
        let shows = page::wrapped(&format!("{}.", guarantee.shows));
        let found = match record.filter(|record| record.guarantee.name == guarantee.name) {
            Some(record) => record.text(),
            None => kept(&before, &heading).unwrap_or_else(|| format!("{NOT_RUN}\n")),
        };
        format!("{heading}\n{shows}\n\n{found}")
    };
    page::joined(HEAD, &GUARANTEES.iter().map(section).collect::<Vec<_>>())
}

/// What a section says below what its guarantee is.
fn kept(sections: &[String], heading: &str) -> Option<String> {
    let body = sections.iter().find_map(|section| section.strip_prefix(heading))?;
    let (_, found) = body.trim_start().split_once("\n\n")?;
    Some(found.to_owned())
}

/// The figures among what a proof printed: lines that begin with its name, without it.
pub(super) fn figures(name: &str, printed: &str) -> Vec<String> {
    let figure = |line: &str| {
        // A harness with a single thread names the test on the same line first.
        let line = match line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            Some((_, printed)) => printed,
            None => line,
        };
        let rest = line.strip_prefix(name)?;
        Some(rest.strip_prefix(": ").or_else(|| rest.strip_prefix(", "))?.trim().to_owned())
    };
    printed.lines().filter_map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, rounds: u32, figures: &[&str]) -> Record {
        Record {
            guarantee: GUARANTEES.iter().find(|guarantee| guarantee.name == name).unwrap(),
            date: "2026-11-21".to_owned(),
            rounds,
            figures: figures.iter().map(|&figure| figure.to_owned()).collect(),
            machine: "a machine".to_owned(),
        }
    }

    #[test]
    fn figures_are_the_lines_that_begin_with_the_name() {
        let printed = "running 1 test\ntest prove::kill9::x ... kill9: SQLite, 200 rounds\nkill9, PostgreSQL\n\
                       kill95: no\n kill9: no\ntest prove::kill9::x ... ok\n";
        assert_eq!(figures("kill9", printed), ["SQLite, 200 rounds", "PostgreSQL"]);
        assert_eq!(figures("revoke", printed), [""; 0]);
    }

    #[test]
    fn a_page_without_figures_says_so_of_every_guarantee() {
        let page = with_record("", None);
        assert!(page.starts_with(HEAD));
        assert_eq!(page.matches(NOT_RUN).count(), GUARANTEES.len());
        assert_eq!(page.matches("\n## ").count(), GUARANTEES.len());
        assert_eq!(with_record(&page, None), page);
    }

    #[test]
    fn a_record_takes_the_place_of_the_older_one_and_leaves_the_others() {
        let page = with_record("", Some(&record("kill9", 1, &["an earlier figure"])));
        let page = with_record(&page, Some(&record("revoke", 3, &["none allowed"])));
        let page = with_record(&page, Some(&record("kill9", 1, &["SQLite, new", "PostgreSQL, new"])));
        assert!(page.contains(
            "- SQLite, new\n- PostgreSQL, new\n\nRun once on 2026-11-21, on a machine.\n\n## limits\n"
        ));
        assert!(page.contains("- none allowed\n\nRun 3 times on 2026-11-21, on a machine.\n"));
        assert!(!page.contains("an earlier figure"));
        assert_eq!(page.matches(NOT_RUN).count(), GUARANTEES.len() - 2);
        assert_eq!(with_record(&page, None), page);
    }

    #[test]
    fn a_section_of_no_guarantee_goes() {
        let page = with_record("## gone\n\nOnce.\n\n- 1\n", None);
        assert_eq!(page, with_record("", None));
    }

    #[test]
    fn the_page_has_a_section_for_every_guarantee() {
        let page = fs::read_to_string(root().join(DOCUMENT)).unwrap();
        assert_eq!(
            with_record(&page, None),
            page,
            "the head or a guarantee has changed: put {DOCUMENT} in step"
        );
    }
}
