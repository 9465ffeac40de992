//! The actors of changes.

use crate::ids::{OperatorId, TokenId, UserId};
use std::fmt;
use std::str::FromStr;

/// Who issued, changed, disabled or revoked something, as recorded in the change log and in the token.
///
/// The text form (`Display` and `FromStr`) is what stores keep; it never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A command on the machine that holds the data.
    Cli,
    /// An operator, by admin API or console.
    Operator(OperatorId),
    /// An app's management: a service credential with `jeton:manage`, identified by its token id.
    Manager(TokenId),
    /// A user of the app, acting with one of that user's own tokens.
    User {
        /// The user that the token proves.
        user_id: UserId,
        /// The token that was presented.
        token_id: TokenId,
    },
    /// The bearer of a token that proves no user, identified by the token: it acts on that token alone.
    Bearer(TokenId),
    /// The holder of an app's client credentials.
    Client,
    /// A caller that an access rule admitted without proof.
    Anonymous,
    /// The service itself, applying the retention settings.
    Retention,
    /// Whoever has reported a secret as leaked, which proves nothing else.
    Reporter,
    /// The service itself, where somebody presents a secret that a rotation has ended.
    ReuseDetection,
}

/// The text does not name an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the text form of an actor")]
pub struct ActorError;

impl Actor {
    /// Whether both are the same principal, whatever credential each presented. An anonymous actor equals no
    /// other, nor does a reporter.
    pub fn is_same_principal(&self, other: &Actor) -> bool {
        match (self, other) {
            (Actor::User { user_id: one, .. }, Actor::User { user_id: two, .. }) => one == two,
            (Actor::Anonymous | Actor::Reporter, _) => false,
            (one, two) => one == two,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Cli => f.write_str("cli"),
            Actor::Operator(id) => write!(f, "operator:{id}"),
            Actor::Manager(id) => write!(f, "manager:{id}"),
            // The user comes last because its text may contain any character.
            Actor::User { user_id, token_id } => write!(f, "user:{token_id}:{user_id}"),
            Actor::Bearer(id) => write!(f, "bearer:{id}"),
            Actor::Client => f.write_str("client"),
            Actor::Anonymous => f.write_str("anonymous"),
            Actor::Retention => f.write_str("retention"),
            Actor::Reporter => f.write_str("reporter"),
            Actor::ReuseDetection => f.write_str("reuse-detection"),
        }
    }
}

impl FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, ActorError> {
        let number = |text: &str| text.parse().map_err(|_: std::num::ParseIntError| ActorError);
        match text.split_once(':') {
            None => match text {
                "cli" => Ok(Actor::Cli),
                "client" => Ok(Actor::Client),
                "anonymous" => Ok(Actor::Anonymous),
                "retention" => Ok(Actor::Retention),
                "reporter" => Ok(Actor::Reporter),
                "reuse-detection" => Ok(Actor::ReuseDetection),
                _ => Err(ActorError),
            },
            Some(("operator", id)) => OperatorId::new(number(id)?).map(Actor::Operator).ok_or(ActorError),
            Some(("manager", id)) => TokenId::new(number(id)?).map(Actor::Manager).ok_or(ActorError),
            Some(("bearer", id)) => TokenId::new(number(id)?).map(Actor::Bearer).ok_or(ActorError),
            Some(("user", rest)) => {
                let (token, user) = rest.split_once(':').ok_or(ActorError)?;
                let token_id = TokenId::new(number(token)?).ok_or(ActorError)?;
                let user_id = user.parse().map_err(|_: crate::ids::UserIdError| ActorError)?;
                Ok(Actor::User { user_id, token_id })
            }
            Some(_) => Err(ActorError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(user: &str, token: i64) -> Actor {
        Actor::User { user_id: user.parse().unwrap(), token_id: TokenId::new(token).unwrap() }
    }

    #[test]
    fn the_text_form_reads_back() {
        let all = [
            Actor::Cli,
            Actor::Operator(OperatorId::new(3).unwrap()),
            Actor::Manager(TokenId::new(12).unwrap()),
            user("7", 45),
            user("a:b:c", 1),
            Actor::Bearer(TokenId::new(9).unwrap()),
            Actor::Client,
            Actor::Anonymous,
            Actor::Retention,
            Actor::Reporter,
            Actor::ReuseDetection,
        ];
        for actor in all {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for bad in ["", "root", "manager:0", "manager:x", "user:1", "user:1:", "client:1", "bearer:0"] {
            assert_eq!(bad.parse::<Actor>(), Err(ActorError), "{bad}");
        }
    }

    #[test]
    fn a_user_is_the_same_by_any_of_its_tokens() {
        assert!(user("7", 1).is_same_principal(&user("7", 2)));
        assert!(!user("7", 1).is_same_principal(&user("8", 1)));
        assert!(!Actor::Anonymous.is_same_principal(&Actor::Anonymous));
        assert!(Actor::Cli.is_same_principal(&Actor::Cli));
        assert!(!Actor::Client.is_same_principal(&Actor::Cli));
    }
}
