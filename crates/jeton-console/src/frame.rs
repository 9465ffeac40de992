//! What stands around each page: head, navigation, what was just done, foot.

use crate::assets::{Asset, ICON, SCRIPT, STYLE};
use crate::{Credential, Language, Tally, show};
use jeton_core::{Timestamp, TokenId};
use std::borrow::Borrow;

/// What a page shows besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// In which language.
    pub language: Language,
    /// When it is written, for what lies in the past or the future.
    pub now: Timestamp,
    /// Whose page it is.
    pub site: Site<'a>,
    /// Who is signed in; `None`: nobody, and there is no navigation.
    pub signed_in: Option<&'a str>,
    /// What proves that a form was sent from a page of this session. Every form that changes something has it.
    pub form_key: &'a str,
    /// Path and query of this page, where a change of language leads back to; empty: they are a secret, and it
    /// cannot be changed here.
    pub here: &'a str,
    /// What was done just before.
    pub notice: Option<&'a Notice>,
    /// Secrets that are shown now and never again.
    pub credentials: &'a [Credential<'a>],
}

/// Whose pages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site<'a> {
    /// The console's, in this part of it.
    Console(Section),
    /// Those where the users of an app manage their own tokens.
    SelfService {
        /// The path that they all begin with.
        base: &'a str,
        /// The key of the app; empty: it is not known which.
        app: &'a str,
    },
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
    /// The app of this key was suspended.
    AppSuspended(String),
    /// The app of this key was resumed.
    AppResumed(String),
    /// The app of this key was deleted.
    AppDeleted(String),
    /// The token of this number was made.
    TokenCreated(TokenId),
    /// The token of this number was changed.
    TokenChanged(TokenId),
    /// Nothing was to be changed of the token of this number.
    TokenUnchanged(TokenId),
    /// The token of this number was switched off.
    TokenDisabled(TokenId),
    /// The token of this number was switched on again.
    TokenEnabled(TokenId),
    /// A token has another secret.
    TokenRotated(TokenId),
    /// The token of this number was revoked.
    TokenRevoked(TokenId),
    /// So many tokens were revoked together.
    TokensRevoked {
        /// How many.
        revoked: u64,
        /// How many it was said to be before.
        counted: u64,
    },
    /// A user has made a token of this title.
    OwnTokenCreated(String),
    /// A user has changed the token of this title.
    OwnTokenChanged(String),
    /// A user has given the token of this title another secret.
    OwnTokenRotated(String),
    /// A user has disabled the token of this title.
    OwnTokenDisabled(String),
    /// A user has enabled the token of this title.
    OwnTokenEnabled(String),
    /// A user has revoked the token of this title.
    OwnTokenRevoked(String),
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
            Notice::AppSuspended(key) => language.app_was_suspended(key),
            Notice::AppResumed(key) => language.app_was_resumed(key),
            Notice::AppDeleted(key) => language.app_was_deleted(key),
            Notice::TokenCreated(id) => language.token_made(id),
            Notice::TokenChanged(id) => language.token_saved(id),
            Notice::TokenUnchanged(id) => language.token_unchanged(id),
            Notice::TokenDisabled(id) => language.token_was_disabled(id),
            Notice::TokenEnabled(id) => language.token_was_enabled(id),
            Notice::TokenRotated(id) => language.token_was_rotated(id),
            Notice::TokenRevoked(id) => language.token_was_revoked(id),
            Notice::TokensRevoked { revoked, counted } if revoked == counted => language.bulk_done(*revoked),
            Notice::TokensRevoked { revoked, counted } => {
                language.bulk_done_of(*revoked, show::number(*counted))
            }
            Notice::OwnTokenCreated(title) => language.self_created_done(title),
            Notice::OwnTokenChanged(title) => language.self_saved(title),
            Notice::OwnTokenRotated(title) => language.self_rotated(title),
            Notice::OwnTokenDisabled(title) => language.self_disabled(title),
            Notice::OwnTokenEnabled(title) => language.self_enabled(title),
            Notice::OwnTokenRevoked(title) => language.self_revoked(title),
        }
    }
}

/// A link of the main navigation.
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) text: &'static str,
    pub(crate) is_here: bool,
}

impl Site<'_> {
    /// The path that all pages begin with.
    fn base(&self) -> &str {
        match self {
            Site::Console(_) => "/console",
            Site::SelfService { base, .. } => base,
        }
    }
}

impl<'a> Frame<'a> {
    /// What stands around a page for nobody in particular.
    pub fn bare(site: Site<'a>, language: Language) -> Self {
        Frame {
            language,
            now: Timestamp::MIN,
            site,
            signed_in: None,
            form_key: "",
            here: "",
            notice: None,
            credentials: &[],
        }
    }
}

impl Frame<'_> {
    /// The main navigation. A site of a few pages has none.
    pub(crate) fn links(&self) -> Vec<Link> {
        let Site::Console(here) = self.site else { return Vec::new() };
        let link = |section, href, text| Link { href, text, is_here: section == here };
        let language = self.language;
        vec![
            link(Section::Overview, "/console/", language.nav_overview()),
            link(Section::Apps, "/console/apps", language.nav_apps()),
            link(Section::Audit, "/console/audit", language.nav_audit()),
            link(Section::Operators, "/console/operators", language.nav_operators()),
        ]
    }

    /// The path of a page of this site; `name` begins with a slash, or is empty.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.site.base())
    }

    /// Where visitors begin.
    pub(crate) fn home(&self) -> String {
        match self.site {
            Site::Console(_) => self.path("/"),
            Site::SelfService { .. } => self.path(""),
        }
    }

    /// What the site is called.
    pub(crate) fn site_name(&self) -> &str {
        match self.site {
            Site::Console(_) => self.language.console(),
            Site::SelfService { app, .. } => app,
        }
    }

    /// Who is signed in, in words.
    pub(crate) fn signed_in_as(&self, name: &str) -> String {
        match self.site {
            Site::Console(_) => self.language.signed_in_as(name),
            Site::SelfService { .. } => self.language.self_signed_in_as(name),
        }
    }

    /// Where a page leads that tells an error.
    pub(crate) fn way_back(&self) -> &'static str {
        match self.site {
            Site::Console(_) => self.language.back_to_overview(),
            Site::SelfService { .. } => self.language.self_back(),
        }
    }

    /// The languages that this page is not in.
    pub(crate) fn other_languages(&self) -> impl Iterator<Item = Language> {
        let language = self.language;
        Language::ALL.into_iter().filter(move |other| *other != language)
    }

    pub(crate) fn style(&self) -> String {
        self.file(&STYLE)
    }

    pub(crate) fn script(&self) -> String {
        self.file(&SCRIPT)
    }

    pub(crate) fn icon(&self) -> String {
        self.file(&ICON)
    }

    fn file(&self, asset: &Asset) -> String {
        format!("{}/assets/{}", self.site.base(), asset.name)
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
