use crate::{Choice, Field, Frame, Language, Paging};
use askama::Template;
use jeton_core::{Actor, Timestamp};

/// Who did what.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub struct Audit<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// What is sought.
    pub filter: AuditFilter,
    /// What was found, the newest first.
    pub entries: Vec<AuditRow>,
    /// Where the older entries are.
    pub paging: Paging,
}

/// Which entries are sought.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Those of an app.
    pub app: Field,
    /// Those of a token.
    pub token: Field,
    /// Those of somebody.
    pub actor: Field,
    /// Those since an instant.
    pub since: Field,
    /// Those of a kind, or of any.
    pub what: Vec<Choice>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: ChangeName,
    /// In which app.
    pub app: Option<String>,
    /// To which token or operator.
    pub subject_id: Option<i64>,
    /// Who did it.
    pub by: Actor,
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeName {
    /// A token was issued.
    TokenIssued,
    /// A token was changed.
    TokenUpdated,
    /// A token was revoked.
    TokenRevoked,
    /// A token was deleted.
    TokenDeleted,
    /// An app was created.
    AppCreated,
    /// An app was changed.
    AppUpdated,
    /// An app was deleted.
    AppDeleted,
    /// An operator was created.
    OperatorCreated,
    /// An operator was revoked.
    OperatorRevoked,
    /// Old tokens were removed.
    TokensPurged,
    /// Everything was replaced.
    Restored,
}

impl ChangeName {
    /// What people call it.
    pub fn label(self, language: Language) -> &'static str {
        match self {
            ChangeName::TokenIssued => language.audit_token_issued(),
            ChangeName::TokenUpdated => language.audit_token_updated(),
            ChangeName::TokenRevoked => language.audit_token_revoked(),
            ChangeName::TokenDeleted => language.audit_token_deleted(),
            ChangeName::AppCreated => language.audit_app_created(),
            ChangeName::AppUpdated => language.audit_app_updated(),
            ChangeName::AppDeleted => language.audit_app_deleted(),
            ChangeName::OperatorCreated => language.audit_operator_created(),
            ChangeName::OperatorRevoked => language.audit_operator_revoked(),
            ChangeName::TokensPurged => language.audit_tokens_purged(),
            ChangeName::Restored => language.audit_restored(),
        }
    }

    fn tone(self) -> &'static str {
        match self {
            ChangeName::TokenIssued | ChangeName::AppCreated | ChangeName::OperatorCreated => "good",
            ChangeName::TokenUpdated | ChangeName::AppUpdated => "calm",
            ChangeName::TokensPurged | ChangeName::Restored => "warn",
            ChangeName::TokenRevoked
            | ChangeName::TokenDeleted
            | ChangeName::AppDeleted
            | ChangeName::OperatorRevoked => "bad",
        }
    }

    /// Whether its subject is an operator; that of others is a token.
    fn is_of_operator(self) -> bool {
        matches!(self, ChangeName::OperatorCreated | ChangeName::OperatorRevoked)
    }
}

impl Language {
    /// Who did something, for people.
    pub fn actor(self, actor: &Actor) -> String {
        match actor {
            Actor::Cli => self.actor_cli().to_owned(),
            Actor::Operator(id) => self.actor_operator(id),
            Actor::Manager(id) => self.actor_manager(id),
            Actor::User { user_id, token_id } => self.actor_user(user_id, token_id),
            Actor::Bearer(id) => self.actor_bearer(id),
            Actor::Client => self.actor_client().to_owned(),
            Actor::Anonymous => self.actor_anonymous().to_owned(),
            Actor::Retention => self.actor_retention().to_owned(),
        }
    }
}

impl Audit<'_> {
    fn label(&self, row: &AuditRow) -> &'static str {
        row.what.label(self.frame.language)
    }

    fn subject(&self, row: &AuditRow) -> String {
        let language = self.frame.language;
        match row.subject_id {
            None => String::new(),
            Some(id) if row.what.is_of_operator() => language.audit_operator_number(id),
            Some(id) => language.audit_token_number(id),
        }
    }

    fn by(&self, row: &AuditRow) -> String {
        self.frame.language.actor(&row.by)
    }
}
