//! An app's settings of LoopBack's API.

use crate::acl::AccessRules;

/// Settings of LoopBack's AccessToken API. `Default` is what a new app has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopBackSettings {
    /// Whether the app answers there.
    pub enabled: bool,
    /// The access rules.
    pub access: AccessRules,
    /// Which callers may choose the id of a token, which is its secret.
    pub client_ids: ClientIds,
    /// Whether a `ttl` of -1 means that a token never expires. If not, such a token is expired from the
    /// start.
    pub allow_eternal_tokens: bool,
}

/// Which callers may choose the id of a token on LoopBack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientIds {
    /// None.
    Nobody,
    /// Those that are admitted by name.
    Authorized,
    /// All that may write.
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
