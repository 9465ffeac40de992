use crate::chart::{Bar, Chart};
use crate::{Frame, Tally, show};
use askama::Template;
use jeton_core::Timestamp;

/// The front page.
#[derive(Debug, Template)]
#[template(path = "front.html")]
pub struct Front<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// How many apps there are.
    pub apps: u64,
    /// What needs attention in the first of them.
    pub attention: Vec<Attention>,
    /// Verdicts of the last hour by the minute: its beginning, those that let through, the others.
    pub verdicts: Vec<(Timestamp, u64, u64)>,
    /// Uses of tokens in the last thirty days by the day.
    pub uses: Vec<(Timestamp, u64)>,
}

/// What needs attention in an app.
#[derive(Clone, Debug)]
pub struct Attention {
    /// The app.
    pub key: String,
    /// Tokens that expire within [`Front::SOON_DAYS`].
    pub expiring: Tally,
    /// Tokens that were not used for [`Front::UNUSED_DAYS`].
    pub unused: Tally,
    /// Tokens that never expire.
    pub eternal: Tally,
}

impl Front<'_> {
    /// Days within which an end is near.
    pub const SOON_DAYS: u32 = 7;
    /// Days after which a token that nobody uses is worth a look.
    pub const UNUSED_DAYS: u32 = 90;

    fn refused(&self) -> u64 {
        self.verdicts.iter().map(|(_, _, refused)| refused).sum()
    }

    fn allowed(&self) -> u64 {
        self.verdicts.iter().map(|(_, allowed, _)| allowed).sum()
    }

    fn used(&self) -> u64 {
        self.uses.iter().map(|(_, uses)| uses).sum()
    }

    fn verdict_chart(&self) -> Chart {
        let language = self.frame.language;
        let bars = self.verdicts.iter().map(|(at, allowed, refused)| {
            let counts = language.verdict_counts(show::number(*allowed), show::number(*refused));
            Bar { label: format!("{}: {counts}", show::instant(*at)), parts: [*allowed, *refused] }
        });
        let counts = language.verdict_counts(show::number(self.allowed()), show::number(self.refused()));
        Chart { summary: format!("{}: {counts}", language.verdicts_title()), bars: bars.collect() }
    }

    fn use_chart(&self) -> Chart {
        let language = self.frame.language;
        let bars = self.uses.iter().map(|(at, uses)| Bar {
            label: format!("{}: {}", show::date(*at), show::number(*uses)),
            parts: [*uses, 0],
        });
        let summary = format!("{}: {}", language.uses_title(), show::number(self.used()));
        Chart { summary, bars: bars.collect() }
    }
}
