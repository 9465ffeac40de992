use super::audit::AuditRow;
use super::tokens::named;
use crate::{Choice, Field, Frame, Language, words};
use askama::Template;
use jeton_core::{Description, Explanation, Label, Owner, Scope, Timestamp, Token, TokenState, Verdict};

/// A token.
#[derive(Debug, Template)]
#[template(path = "token.html")]
pub struct TokenPage<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The app.
    pub key: &'a str,
    /// The token.
    pub token: &'a Token,
    /// How it stands.
    pub state: TokenState,
    /// An eighth of its secret at either end, if that is kept.
    pub masked: Option<String>,
    /// Its use, if it was ever used.
    pub usage: Option<TokenUsage>,
    /// How many uses it has left; `None`: any number.
    pub uses_left: Option<u64>,
    /// The latest of what happened to it, the newest first.
    pub history: Vec<AuditRow>,
    /// Where more of that may be.
    pub earlier: Option<String>,
    /// What is asked about it.
    pub tester: Tester,
    /// For how long its secret may stay good beside another one.
    pub graces: Vec<Choice>,
}

/// How a token was used.
#[derive(Clone, Debug)]
pub struct TokenUsage {
    /// When last.
    pub last_used_at: Timestamp,
    /// From which address, if that is known.
    pub last_address: Option<String>,
    /// How often.
    pub use_count: u64,
}

/// What is asked about a token, and the answer.
#[derive(Clone, Debug, Default)]
pub struct Tester {
    /// Which action.
    pub permission: Field,
    /// On the resource of this id.
    pub id: Field,
    /// On a resource with these tags.
    pub tags: Field,
    /// From the address of a client.
    pub address: Field,
    /// The answer, once something was asked.
    pub explanation: Option<Explanation>,
}

/// What the tester answers.
struct Answer {
    tone: &'static str,
    word: &'static str,
    reason: String,
    lacks: Vec<String>,
}

impl TokenPage<'_> {
    fn id(&self) -> i64 {
        self.token.id.get()
    }

    fn name(&self) -> String {
        named(self.frame, self.token)
    }

    fn t(&self) -> Language {
        self.frame.language
    }

    fn tone(&self) -> &'static str {
        words::tone(self.state)
    }

    fn state_word(&self) -> &'static str {
        self.t().state(self.state)
    }

    fn kind(&self) -> &'static str {
        self.t().kind_of(self.token.spec.kind)
    }

    fn user(&self) -> Option<String> {
        self.token.spec.owner.shown().map(ToString::to_string)
    }

    fn is_stand_in(&self) -> bool {
        matches!(self.token.spec.owner, Owner::StandIn(_))
    }

    fn tags(&self) -> &str {
        self.token.spec.tags.as_ref().map_or("", Label::as_str)
    }

    fn description(&self) -> &str {
        self.token.spec.description.as_ref().map_or("", Description::as_str)
    }

    fn scopes(&self) -> Vec<String> {
        let scopes = self.scope_list();
        if scopes.is_empty() {
            return vec![self.t().without_scopes(self.token.spec.kind).to_owned()];
        }
        scopes.iter().map(|scope| self.t().scope(scope)).collect()
    }

    fn scope_list(&self) -> &[Scope] {
        self.token.spec.scopes.as_slice()
    }

    fn parent(&self) -> Option<i64> {
        self.token.spec.lineage.parent().map(jeton_core::TokenId::get)
    }

    fn addresses(&self) -> Vec<String> {
        let allowed = self.token.spec.bounds.allowed_addresses.as_ref();
        allowed.map_or_else(Vec::new, |allowed| allowed.blocks().iter().map(ToString::to_string).collect())
    }

    /// How many uses are left, of how many it was given.
    fn uses_left(&self) -> Option<String> {
        let given = self.token.spec.limits.allowance?.uses;
        let left = self.uses_left.unwrap_or(given);
        Some(self.t().token_uses_left_of(self.frame.number(left), self.frame.number(given)))
    }

    fn rates(&self) -> Vec<String> {
        self.t().rates(self.token)
    }

    /// The tokens above it whose limits its uses count for.
    fn limited_above(&self) -> Vec<i64> {
        let limited = self.token.ancestors.iter().filter(|above| !above.limits.is_none());
        limited.map(|above| above.id.get()).collect()
    }

    fn disabled_by(&self) -> Option<String> {
        let actor = self.token.disabled_by.as_ref()?;
        Some(self.t().token_disabled_by(self.t().actor(actor)))
    }

    fn answer(&self) -> Option<Answer> {
        let explanation = self.tester.explanation.as_ref()?;
        let is_allowed = explanation.verdict == Verdict::Allowed;
        let (tone, word) = match is_allowed {
            true => ("good", self.t().verdict_allowed()),
            false => ("bad", self.t().verdict_refused()),
        };
        // Of a token above this one, which is to blame, the scopes are those that lack something.
        let above =
            explanation.ancestor.and_then(|id| self.token.ancestors.iter().find(|above| above.id == id));
        let scopes = above.map_or(self.scope_list(), |above| above.scopes.as_slice());
        let (mut reason, lacks) = self.t().because(explanation, scopes, &self.tester.permission.value);
        if let Some(above) = above {
            reason = self.t().verdict_above(above.id, reason);
        }
        Some(Answer { tone, word, reason, lacks })
    }

    fn label(&self, row: &AuditRow) -> &'static str {
        self.t().change(row.what)
    }

    fn by(&self, row: &AuditRow) -> String {
        self.t().actor(&row.by.actor)
    }
}
