//! Counts that may have stopped before their end.

use crate::{Language, show};

/// How many there are, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tally {
    /// So many.
    Exactly(u64),
    /// So many or more.
    AtLeast(u64),
    /// So many or fewer.
    AtMost(u64),
    /// It could not be found out.
    #[default]
    Unknown,
}

impl Tally {
    /// So many that were counted; if these were not all, more.
    pub fn counted(count: u64, is_all: bool) -> Self {
        match (count, is_all) {
            (_, true) => Tally::Exactly(count),
            // That says nothing.
            (0, false) => Tally::Unknown,
            (_, false) => Tally::AtLeast(count),
        }
    }

    /// So many that are left of what was not counted otherwise; if not all of that was, fewer.
    pub fn left(count: u64, is_all: bool) -> Self {
        if is_all { Tally::Exactly(count) } else { Tally::AtMost(count) }
    }
}

impl Language {
    /// A count for people.
    pub(crate) fn tally(self, tally: Tally) -> String {
        match tally {
            Tally::Exactly(count) => show::number(count),
            Tally::AtLeast(count) => self.at_least(show::number(count)),
            Tally::AtMost(count) => self.at_most(show::number(count)),
            Tally::Unknown => self.not_counted().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_whether_it_is_all() {
        for (tally, english, chinese) in [
            (Tally::counted(1_234, true), "1,234", "1,234"),
            (Tally::counted(0, true), "0", "0"),
            (Tally::counted(10_000, false), "at least 10,000", "至少 10,000"),
            (Tally::counted(0, false), "not counted", "未统计"),
            (Tally::left(5, true), "5", "5"),
            (Tally::left(990_000, false), "at most 990,000", "至多 990,000"),
        ] {
            let shown = [Language::English, Language::Chinese].map(|language| language.tally(tally));
            assert_eq!(shown, [english, chinese]);
        }
    }
}
