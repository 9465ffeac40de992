//! What an app decides about LoopBack's API.

use crate::acl::AccessRules;

/// Settings of LoopBack's AccessToken API. `Default` is what a new app has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopBackSettings {
    /// Whether the app answers there.
    pub enabled: bool,
    /// Who may call what.
    pub access: AccessRules,
    /// Who may choose the id of a token, which is its secret.
    pub client_ids: ClientIds,
    /// Whether a `ttl` of -1 means that a token never expires. If not, such a token has expired from the start.
    pub allow_eternal_tokens: bool,
}

/// Who may choose the id of a token on LoopBack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientIds {
    /// Nobody.
    Nobody,
    /// Whoever is let in by name.
    Authorized,
    /// Whoever may write.
    Anyone,
}

impl Default for LoopBackSettings {
    fn default() -> Self {
        LoopBackSettings {
            enabled: true,
            access: AccessRules::default(),
            client_ids: ClientIds::Authorized,
            allow_eternal_tokens: false,
        }
    }
}
