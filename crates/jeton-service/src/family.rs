//! The tokens above one and below it.

use crate::open_app::OpenApp;
use crate::{Error, Service};
use futures_util::future::BoxFuture;
use jeton_core::{Authority, Label, Token, TokenId, TokenState};
use std::collections::HashMap;

/// At most this many children of one token are shown.
const MOST_CHILDREN: u32 = 50;
/// At most this many tokens of a family.
const MOST_MEMBERS: usize = 500;

/// A token among those that made each other.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyMember {
    /// Its number.
    pub id: TokenId,
    /// Its name. `None` also if it is gone, or was revoked.
    pub title: Option<Label>,
    /// How it stands.
    pub state: TokenState,
    /// What it made, the oldest first, without what was revoked. Of tokens above the one that is asked about, only
    /// that by which it is reached.
    pub children: Vec<FamilyMember>,
    /// Whether there are more.
    pub has_more: bool,
}

impl Service {
    /// The tokens above one and below it, from the first one on; `None`: there are no others, or the caller does
    /// not see it.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn family(
        &self,
        app: &OpenApp,
        authority: &Authority,
        token: &Token,
    ) -> Result<Option<FamilyMember>, Error> {
        if !authority.sees(token) {
            return Ok(None);
        }
        let mut room = MOST_MEMBERS;
        let mut member = self.with_children(app, token.clone(), &mut room).await?;
        let ids = token.spec.lineage.ids();
        if ids.is_empty() && member.children.is_empty() {
            return Ok(None);
        }
        let above = self.store.tokens(app.id, ids).await?;
        let above: HashMap<TokenId, Token> =
            above.into_iter().map(|stored| (stored.token.id, stored.token)).collect();
        for id in ids.iter().rev() {
            let parent = above.get(id).filter(|parent| authority.sees(parent));
            member = FamilyMember {
                id: *id,
                title: parent.and_then(|parent| parent.spec.title.clone()),
                state: parent.map_or(TokenState::Revoked, |parent| parent.state(self.now())),
                children: vec![member],
                has_more: false,
            };
        }
        Ok(Some(member))
    }

    /// A token with what it made, as far as there is room.
    fn with_children<'a>(
        &'a self,
        app: &'a OpenApp,
        token: Token,
        room: &'a mut usize,
    ) -> BoxFuture<'a, Result<FamilyMember, Error>> {
        Box::pin(async move {
            let mut made = self.store.children(app.id, token.id, MOST_CHILDREN + 1).await?;
            let shown = (MOST_CHILDREN as usize).min(*room);
            let has_more = made.len() > shown;
            made.truncate(shown);
            *room -= made.len();
            let mut children = Vec::with_capacity(made.len());
            for child in made {
                children.push(self.with_children(app, child.token, room).await?);
            }
            let (id, state) = (token.id, token.state(self.now()));
            Ok(FamilyMember { id, title: token.spec.title, state, children, has_more })
        })
    }
}
