use crate::{Choice, Field, Frame, Language, Paging};
use askama::Template;
use jeton_core::{Actor, Cause, ChangeKind, Timestamp};

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
    /// Those from an address.
    pub address: Field,
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
    pub what: ChangeKind,
    /// In which app.
    pub app: Option<String>,
    /// To which token or operator.
    pub subject_id: Option<i64>,
    /// Who did it, and from where.
    pub by: Cause,
}

impl Language {
    /// What people call a kind of change.
    pub fn change(self, kind: ChangeKind) -> &'static str {
        match kind {
            ChangeKind::TokenIssued => self.audit_token_issued(),
            ChangeKind::TokenUpdated => self.audit_token_updated(),
            ChangeKind::TokenRotated => self.audit_token_rotated(),
            ChangeKind::TokenReused => self.audit_token_reused(),
            ChangeKind::TokenRevoked => self.audit_token_revoked(),
            ChangeKind::TokenDeleted => self.audit_token_deleted(),
            ChangeKind::AppCreated => self.audit_app_created(),
            ChangeKind::AppUpdated => self.audit_app_updated(),
            ChangeKind::AppSuspended => self.audit_app_suspended(),
            ChangeKind::AppResumed => self.audit_app_resumed(),
            ChangeKind::AppDeleted => self.audit_app_deleted(),
            ChangeKind::OperatorCreated => self.audit_operator_created(),
            ChangeKind::OperatorRevoked => self.audit_operator_revoked(),
            ChangeKind::TokensPurged => self.audit_tokens_purged(),
            ChangeKind::Restored => self.audit_restored(),
            ChangeKind::KeyAdded => self.audit_key_added(),
            ChangeKind::KeyActivated => self.audit_key_activated(),
            ChangeKind::KeyRetired => self.audit_key_retired(),
        }
    }

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
            Actor::Reporter => self.actor_reporter().to_owned(),
            Actor::ReuseDetection => self.actor_reuse_detection().to_owned(),
        }
    }
}

impl AuditRow {
    pub(super) fn tone(&self) -> &'static str {
        match self.what {
            ChangeKind::TokenIssued
            | ChangeKind::AppCreated
            | ChangeKind::OperatorCreated
            | ChangeKind::KeyAdded => "good",
            ChangeKind::TokenUpdated
            | ChangeKind::TokenRotated
            | ChangeKind::AppUpdated
            | ChangeKind::AppResumed
            | ChangeKind::KeyActivated => "calm",
            ChangeKind::TokensPurged | ChangeKind::Restored => "warn",
            ChangeKind::TokenRevoked
            | ChangeKind::TokenDeleted
            | ChangeKind::TokenReused
            | ChangeKind::AppSuspended
            | ChangeKind::AppDeleted
            | ChangeKind::OperatorRevoked
            | ChangeKind::KeyRetired => "bad",
        }
    }
}

impl Audit<'_> {
    fn label(&self, row: &AuditRow) -> &'static str {
        self.frame.language.change(row.what)
    }

    fn subject(&self, row: &AuditRow) -> String {
        let language = self.frame.language;
        match row.subject_id {
            None => String::new(),
            Some(id) if row.what.is_of_operator() => language.audit_operator_number(id),
            Some(id) if row.what.is_of_key() => language.audit_key_number(id),
            Some(id) => language.audit_token_number(id),
        }
    }

    /// Where that is, unless it is gone.
    fn subject_at(&self, row: &AuditRow) -> Option<String> {
        let is_there = matches!(row.what, ChangeKind::TokenIssued | ChangeKind::TokenUpdated);
        let (app, id) = (row.app.as_ref()?, row.subject_id.filter(|_| is_there)?);
        Some(format!("/console/apps/{app}/tokens/{id}"))
    }

    fn by(&self, row: &AuditRow) -> String {
        self.frame.language.actor(&row.by.actor)
    }

    fn address(&self, row: &AuditRow) -> String {
        row.by.address().map_or_else(String::new, |address| address.to_string())
    }
}
