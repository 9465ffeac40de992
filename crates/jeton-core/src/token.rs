//! One issued credential and its metadata.

use crate::actor::Actor;
use crate::ancestor::Ancestor;
use crate::bounds::Bounds;
use crate::decide::{Circumstances, Demand, InactiveReason, Standing, Verdict, decide};
use crate::ids::{AppId, TokenId, UserId};
use crate::lineage::Lineage;
use crate::scope::{Permission, Scopes};
use crate::time::Timestamp;
use crate::use_limits::UseLimits;

/// What a token is for. Fixed when it is issued; no dialect changes it, except that a LoopBack write can make
/// a token [`SelfMade`](TokenKind::SelfMade).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Stands for its owner. Has no scopes.
    Identity,
    /// Says what is allowed. Stays a grant when its scopes are emptied.
    Grant,
    /// Written over LoopBack by a caller that proved nothing. It exists for LoopBack alone and is unknown to
    /// every other surface.
    SelfMade,
    /// Acts for the app itself. No dialect lists, finds or changes it, and verification calls it unknown.
    Service,
}

impl TokenKind {
    /// All kinds.
    pub const ALL: [TokenKind; 4] =
        [TokenKind::Identity, TokenKind::Grant, TokenKind::SelfMade, TokenKind::Service];

    /// The kinds that every dialect of an app sees.
    pub const SHARED: [TokenKind; 2] = [TokenKind::Identity, TokenKind::Grant];

    /// The stable name, as stores and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            TokenKind::Identity => "identity",
            TokenKind::Grant => "grant",
            TokenKind::SelfMade => "self-made",
            TokenKind::Service => "service",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether every dialect of the app sees it.
    pub fn is_shared(self) -> bool {
        Self::SHARED.contains(&self)
    }
}

/// How a token stands: active, or the first of what makes it good for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It is good for what it allows, within its [bounds](Bounds).
    Active,
    /// It is switched off.
    Disabled,
    /// Its time is over, whether or not it is switched off as well.
    Expired,
    /// It was revoked.
    Revoked,
}

impl TokenState {
    /// All states.
    pub const ALL: [TokenState; 4] =
        [TokenState::Active, TokenState::Disabled, TokenState::Expired, TokenState::Revoked];

    /// The stable name: that of the reason for which such a token is refused, where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            TokenState::Active => "active",
            TokenState::Disabled => InactiveReason::Disabled.name(),
            TokenState::Expired => InactiveReason::Expired.name(),
            TokenState::Revoked => InactiveReason::Revoked.name(),
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The owner of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// No user.
    Nobody,
    /// The user that the issuer named.
    Named(UserId),
    /// A manager issued it and named no user: the manager's own user is shown, but the token proves nothing
    /// about that user, and self-service does not see it.
    StandIn(UserId),
}

impl Owner {
    /// The user that listings show.
    pub fn shown(&self) -> Option<&UserId> {
        match self {
            Owner::Nobody => None,
            Owner::Named(user_id) | Owner::StandIn(user_id) => Some(user_id),
        }
    }

    /// The owner, if the issuer named one.
    pub fn named(&self) -> Option<&UserId> {
        match self {
            Owner::Named(user_id) => Some(user_id),
            Owner::Nobody | Owner::StandIn(_) => None,
        }
    }
}

/// At most this many code points in a [`Label`].
pub const MAX_LABEL_CHARS: usize = 255;

/// A title, or a tag list: at most [`MAX_LABEL_CHARS`] code points, none of them NUL. Published clients
/// cannot read longer ones, and PostgreSQL stores no NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(String);

/// At most this many code points in a [`Description`].
pub const MAX_DESCRIPTION_CHARS: usize = 4096;

/// A text for people: at most [`MAX_DESCRIPTION_CHARS`] code points, none of them NUL. Lists hold pages of
/// them in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

/// Why a text is not a [`Label`] or [`Description`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// More than [`MAX_LABEL_CHARS`] code points.
    #[error("has at most 255 characters")]
    TooLong,
    /// More than [`MAX_DESCRIPTION_CHARS`] code points.
    #[error("has at most 4096 characters")]
    DescriptionTooLong,
    /// It holds U+0000.
    #[error("holds no NUL character")]
    Nul,
}

impl Label {
    /// Takes the text.
    ///
    /// # Errors
    /// It is too long or holds a NUL.
    pub fn new(text: String) -> Result<Self, LabelError> {
        if text.chars().count() > MAX_LABEL_CHARS {
            return Err(LabelError::TooLong);
        }
        Description::new(text).map(|Description(text)| Label(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// Takes the text.
    ///
    /// # Errors
    /// It is too long or holds a NUL.
    pub fn new(text: String) -> Result<Self, LabelError> {
        if text.chars().count() > MAX_DESCRIPTION_CHARS {
            return Err(LabelError::DescriptionTooLong);
        }
        if text.contains('\0') { Err(LabelError::Nul) } else { Ok(Description(text)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// At most this many bytes in a [`Document`]. What clients may store is less: a limit of the service.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// What a LoopBack client stored beyond the fields of every token: a JSON text of at most
/// [`MAX_DOCUMENT_BYTES`], without NUL, that only LoopBack's answers and filters read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

/// The text is too large for a [`Document`], or contains a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has at most {MAX_DOCUMENT_BYTES} bytes")]
pub struct DocumentError;

impl Document {
    /// Takes the text.
    ///
    /// # Errors
    ///
    /// It is too large, or contains a NUL, which JSON writes only escaped.
    pub fn new(text: String) -> Result<Self, DocumentError> {
        if text.len() > MAX_DOCUMENT_BYTES || text.contains('\0') {
            Err(DocumentError)
        } else {
            Ok(Document(text))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a token is for, whose it is, what it allows and how people know it: all that whoever issues it decides, but
/// for its lifetime.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSpec {
    /// What it is for.
    pub kind: TokenKind,
    /// Its owner.
    pub owner: Owner,
    /// Its name, as people know it.
    pub title: Option<Label>,
    /// Free text for sorting tokens.
    pub tags: Option<Label>,
    /// Free text.
    pub description: Option<Description>,
    /// The list of permissions as an AppKey client wrote it. Only its spelling matters: see
    /// [`permissions_text`](Self::permissions_text).
    pub permissions_as_sent: Option<String>,
    /// What it allows.
    pub scopes: Scopes,
    /// From when and from where it may be used.
    pub bounds: Bounds,
    /// How often it may be used.
    pub limits: UseLimits,
    /// The tokens above it, if another made it.
    pub lineage: Lineage,
    /// What a LoopBack client stored beyond all that.
    pub document: Option<Document>,
}

impl TokenSpec {
    /// One without texts for people.
    pub const fn new(kind: TokenKind, owner: Owner, scopes: Scopes) -> Self {
        TokenSpec {
            kind,
            owner,
            title: None,
            tags: None,
            description: None,
            permissions_as_sent: None,
            scopes,
            bounds: Bounds::NONE,
            limits: UseLimits::NONE,
            lineage: Lineage::NONE,
            document: None,
        }
    }

    /// The permissions that global scopes grant, separated by commas: as the client spelled them while they
    /// are still the same, else plainly. `None` if there are none and none were sent.
    pub fn permissions_text(&self) -> Option<String> {
        let granted = self.scopes.global_permissions();
        if let Some(sent) = &self.permissions_as_sent
            && let Ok(names) = Permission::parse_list(sent)
            && names.len() >= granted.len()
            && names.iter().all(|name| granted.contains(&name))
            && granted.iter().all(|name| names.contains(name))
        {
            return Some(sent.clone());
        }
        if granted.is_empty() {
            return None;
        }
        Some(granted.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(","))
    }
}

/// One issued credential without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// The app it belongs to.
    pub app_id: AppId,
    /// What its issuer decided, as it is now.
    pub spec: TokenSpec,
    /// When it was issued, or the date that a LoopBack client gave.
    pub created_at: Timestamp,
    /// When it was last changed; at first `created_at`.
    pub updated_at: Timestamp,
    /// When it expires: expired at this very instant; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Who disabled it; `None` while it is enabled.
    pub disabled_by: Option<Actor>,
    /// When it was revoked. A revoked token is kept for a while so that its secret cannot be issued again.
    pub revoked_at: Option<Timestamp>,
    /// Whether it was presented to LoopBack after it had expired. See
    /// [`has_left_loopback`](Self::has_left_loopback).
    pub left_loopback: bool,
    /// The tokens of its lineage, in its order, as they are now.
    pub ancestors: Vec<Ancestor>,
}

impl Token {
    /// Whether it is enabled. Says nothing about expiry or revocation: see [`decide`](crate::decide()).
    pub fn is_enabled(&self) -> bool {
        self.disabled_by.is_none()
    }

    /// Whether it has expired. Says nothing else about it: see [`decide`](crate::decide()).
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    /// Whether LoopBack no longer shows it: it was presented there after it had expired, and is still
    /// expired. A token that was extended, or that has not expired yet by a corrected clock, is shown.
    pub fn has_left_loopback(&self, now: Timestamp) -> bool {
        self.left_loopback && self.has_expired(now)
    }

    /// Makes LoopBack show it again, also after it expires once more, unless it has expired now.
    pub fn return_to_loopback(&mut self, now: Timestamp) {
        self.left_loopback = self.has_left_loopback(now);
    }

    /// What [`decide`](crate::decide()) needs to know about it.
    pub fn standing(&self) -> Standing<'_> {
        Standing {
            revoked: self.revoked_at.is_some(),
            disabled: self.disabled_by.is_some(),
            expires_at: self.expires_at,
            scopes: self.spec.scopes.as_slice(),
            bounds: self.spec.bounds.some(),
            ancestors: &self.ancestors,
        }
    }

    /// How it stands at this instant, as [`decide`](crate::decide()) says, whatever its bounds.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match decide(self.standing(), &Demand::Active, Circumstances::within_bounds(now)) {
            Verdict::Inactive(InactiveReason::Disabled) => TokenState::Disabled,
            Verdict::Inactive(InactiveReason::Expired) => TokenState::Expired,
            // Apps are suspended, tokens never are by themselves.
            Verdict::Inactive(
                InactiveReason::Revoked | InactiveReason::Unknown | InactiveReason::Suspended,
            ) => TokenState::Revoked,
            Verdict::Inactive(
                InactiveReason::NotYetValid
                | InactiveReason::UsesExhausted
                | InactiveReason::AddressUnknown
                | InactiveReason::AddressNotAllowed,
            )
            | Verdict::Allowed
            | Verdict::Refused
            | Verdict::RateLimited => TokenState::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn token(sent: Option<&str>, scopes: Vec<Scope>) -> Token {
        let at = Timestamp::from_millis(0).unwrap();
        Token {
            id: TokenId::new(1).unwrap(),
            app_id: AppId::new(1).unwrap(),
            created_at: at,
            updated_at: at,
            expires_at: None,
            disabled_by: None,
            revoked_at: None,
            left_loopback: false,
            ancestors: Vec::new(),
            spec: TokenSpec {
                permissions_as_sent: sent.map(str::to_owned),
                ..TokenSpec::new(TokenKind::Grant, Owner::Nobody, Scopes::new(scopes).unwrap())
            },
        }
    }

    fn global(names: &str) -> Vec<Scope> {
        vec![Scope::global(Permission::parse_list(names).unwrap())]
    }

    #[test]
    fn permissions_are_spelled_as_sent_while_they_hold() {
        assert_eq!(
            token(Some("read, write,"), global("read,write")).spec.permissions_text().unwrap(),
            "read, write,"
        );
        assert_eq!(token(Some("read,read"), global("read")).spec.permissions_text().unwrap(), "read,read");
        assert_eq!(token(Some("read,write"), global("read")).spec.permissions_text().unwrap(), "read");
        assert_eq!(token(Some("read"), global("read,write")).spec.permissions_text().unwrap(), "read,write");
        assert_eq!(token(Some("read"), vec![]).spec.permissions_text(), None);
        assert_eq!(token(Some(""), vec![]).spec.permissions_text().unwrap(), "");
        assert_eq!(token(None, vec![]).spec.permissions_text(), None);
        let narrow = Scope { ids: vec!["s".into()], global: false, ..global("read")[0].clone() };
        assert_eq!(token(None, vec![narrow]).spec.permissions_text(), None);
    }

    #[test]
    fn kinds_keep_their_names() {
        for kind in TokenKind::ALL {
            assert_eq!(TokenKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(TokenKind::from_name("Identity"), None);
    }

    #[test]
    fn states_are_what_the_decision_says() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let live = Token { expires_at: Some(at(10)), ..token(None, vec![]) };
        let off = Token { disabled_by: Some(Actor::Cli), ..live.clone() };
        let gone = Token { revoked_at: Some(at(1)), ..off.clone() };
        for (token, before, after) in [
            (live, TokenState::Active, TokenState::Expired),
            (off, TokenState::Disabled, TokenState::Expired),
            (gone, TokenState::Revoked, TokenState::Revoked),
        ] {
            assert_eq!((token.state(at(9)), token.state(at(10))), (before, after));
        }
        for state in TokenState::ALL {
            assert_eq!(TokenState::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn labels_count_code_points() {
        assert!(Label::new("签".repeat(255)).is_ok());
        assert_eq!(Label::new("x".repeat(256)), Err(LabelError::TooLong));
        assert_eq!(Label::new("a\0b".into()), Err(LabelError::Nul));
        assert_eq!(Description::new("\0".into()), Err(LabelError::Nul));
        assert!(Description::new("签".repeat(4096)).is_ok());
        assert_eq!(Description::new("x".repeat(4097)), Err(LabelError::DescriptionTooLong));
    }
}
