//! The pages, each a struct with what it shows.

mod app;
mod apps;
mod audit;
mod confirm;
mod failure;
mod front;
mod operators;
mod revoke_tokens;
mod self_service;
mod settings;
mod sign_in;
mod token;
mod token_form;
mod tokens;

pub use app::{App, NewApp, TokenCounts};
pub use apps::{AppRow, Apps};
pub use audit::{Audit, AuditFilter, AuditRow};
pub use confirm::Confirm;
pub use failure::{Failure, FailureKind};
pub use front::{Attention, Front};
pub use operators::{OperatorRow, Operators};
pub use revoke_tokens::{CountedTokens, RevokeTokens};
pub use self_service::{NewOwnToken, OwnToken, OwnTokenPage, OwnTokens};
pub use settings::{AppSettingsPage, SETTINGS, Setting, SettingInput, SettingKind};
pub use sign_in::{Enter, SignIn, SignInNote};
pub use token::{Tester, TokenPage, TokenUsage};
pub use token_form::{
    BoundsInput, COMMON_PERMISSIONS, LimitsInput, PermissionInput, ScopeInput, TokenForm, TokenFormPage,
};
pub use tokens::{TokenFilter, TokenRow, Tokens};
