//! What stands around each page: head, navigation, what was just done, foot.

use crate::assets::{ICON, SCRIPT, STYLE};
use crate::{Credential, Language, Tally, show};
use jeton_core::Timestamp;
use std::borrow::Borrow;

/// What a page shows besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// In which language.
    pub language: Language,
    /// When it is written, for what lies in the past or the future.
    pub now: Timestamp,
    /// Who is signed in; `None`: nobody, and there is no navigation.
    pub operator: Option<&'a str>,
    /// What proves that a form was sent from a page of this session. Every form that changes something has it.
    pub form_key: &'a str,
    /// Path and query of this page, where a change of language leads back to; empty: they are a secret, and it
    /// cannot be changed here.
    pub here: &'a str,
    /// The part of the console that it belongs to.
    pub section: Section,
    /// What was done just before.
    pub notice: Option<&'a Notice>,
    /// Secrets that are shown now and never again.
    pub credentials: &'a [Credential<'a>],
}

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The front page.
    Overview,
    /// Apps, and all that is in them.
    Apps,
    /// Who did what.
    Audit,
    /// Who may sign in.
    Operators,
    /// None of them.
    Elsewhere,
}

/// Something that was done, for the next page to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An operator of this name was made.
    OperatorCreated(String),
    /// The operator of this name was revoked.
    OperatorRevoked(String),
    /// An app of this key was made.
    AppCreated(String),
    /// The settings of the app of this key were changed.
    SettingsChanged(String),
    /// The app of this key has a new client secret.
    SecretRotated(String),
    /// The app of this key was deleted.
    AppDeleted(String),
}

impl Notice {
    /// The text that tells it.
    fn text(&self, language: Language) -> String {
        match self {
            Notice::OperatorCreated(name) => language.operator_created(name),
            Notice::OperatorRevoked(name) => language.operator_revoked(name),
            Notice::AppCreated(key) => language.app_was_created(key),
            Notice::SettingsChanged(key) => language.settings_saved(key),
            Notice::SecretRotated(key) => language.app_was_rotated(key),
            Notice::AppDeleted(key) => language.app_was_deleted(key),
        }
    }
}

/// A link of the main navigation.
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) text: &'static str,
    pub(crate) is_here: bool,
}

impl Frame<'_> {
    pub(crate) fn links(&self) -> [Link; 4] {
        let link = |section, href, text| Link { href, text, is_here: section == self.section };
        let language = self.language;
        [
            link(Section::Overview, "/console/", language.nav_overview()),
            link(Section::Apps, "/console/apps", language.nav_apps()),
            link(Section::Audit, "/console/audit", language.nav_audit()),
            link(Section::Operators, "/console/operators", language.nav_operators()),
        ]
    }

    /// The languages that this page is not in.
    pub(crate) fn other_languages(&self) -> impl Iterator<Item = Language> {
        let language = self.language;
        Language::ALL.into_iter().filter(move |other| *other != language)
    }

    pub(crate) fn style(&self) -> &'static str {
        &STYLE.path
    }

    pub(crate) fn script(&self) -> &'static str {
        &SCRIPT.path
    }

    pub(crate) fn icon(&self) -> &'static str {
        &ICON.path
    }

    /// What was done.
    pub(crate) fn told(&self, notice: &Notice) -> String {
        notice.text(self.language)
    }

    /// What a secret is.
    pub(crate) fn named(&self, credential: &Credential<'_>) -> &'static str {
        credential.kind.label(self.language)
    }

    /// A number.
    pub(crate) fn number(&self, number: impl Borrow<u64>) -> String {
        show::number(*number.borrow())
    }

    /// A count.
    pub(crate) fn tally(&self, tally: impl Borrow<Tally>) -> String {
        self.language.tally(*tally.borrow())
    }

    /// An instant for people.
    pub(crate) fn instant(&self, instant: &Timestamp) -> String {
        show::instant(*instant)
    }

    /// An instant for programs.
    pub(crate) fn machine(&self, instant: &Timestamp) -> String {
        show::machine(*instant)
    }

    /// How far an instant lies from now.
    pub(crate) fn distance(&self, instant: &Timestamp) -> String {
        self.language.distance(*instant, self.now)
    }
}
