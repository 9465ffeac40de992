//! Searching the tokens of an app, as operators do.

use jeton_core::{AppId, Timestamp, TokenId, TokenState, UserId};

/// Which tokens of an app, of whatever kind. What several parts say is true of each token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSearch {
    /// The app.
    pub app_id: AppId,
    /// Only those that show this user.
    pub user_id: Option<UserId>,
    /// Only those of this title.
    pub title: Option<TitleSearch>,
    /// Only those that have this among their tags: between commas, with at most one space behind a comma.
    pub tag: Option<String>,
    /// Only those that stand so at [`now`](Self::now). `None`: all that were not revoked.
    pub state: Option<TokenState>,
    /// Only those that are older than this instant and were not used since.
    pub unused_since: Option<Timestamp>,
    /// Only those that live at [`now`](Self::now) as far as that goes, and no longer than until this instant.
    pub ends_by: Option<Timestamp>,
    /// Only those that never end.
    pub is_eternal: bool,
    /// Only those that were made before this instant.
    pub created_before: Option<Timestamp>,
    /// The instant as of which they are sought.
    pub now: Timestamp,
}

/// How a title is sought, letter by letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TitleSearch {
    /// It is this.
    Whole(String),
    /// It begins like this.
    Prefix(String),
}

/// Where a page of what is found begins: behind this token. `ends_at` counts where what is found is ordered by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchPlace {
    /// The token.
    pub id: TokenId,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl SearchPlace {
    /// The place as text, for lists in this order.
    pub fn to_text(self, order: SearchOrder) -> String {
        match order {
            SearchOrder::NewestFirst => self.id.to_string(),
            SearchOrder::EndingNext | SearchOrder::EndedLast => {
                format!("{}.{}", self.ends_at.as_millis(), self.id)
            }
        }
    }

    /// The place that a text says, in a list in this order; `None`: it says none.
    pub fn from_text(text: &str, order: SearchOrder) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        let (ends_at, id) = match order {
            SearchOrder::NewestFirst => (Timestamp::MAX, text),
            SearchOrder::EndingNext | SearchOrder::EndedLast => {
                let (ends_at, id) = text.split_once('.')?;
                (number(ends_at).and_then(Timestamp::from_millis)?, id)
            }
        };
        Some(SearchPlace { id: number(id).and_then(TokenId::new)?, ends_at })
    }
}

/// In which order tokens are found: the one in which an index has what is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrder {
    /// The newest first.
    NewestFirst,
    /// What ends next first.
    EndingNext,
    /// What ended last first.
    EndedLast,
}

impl TokenSearch {
    /// All tokens of an app that were not revoked, as of this instant.
    pub fn of(app_id: AppId, now: Timestamp) -> Self {
        TokenSearch {
            app_id,
            user_id: None,
            title: None,
            tag: None,
            state: None,
            unused_since: None,
            ends_by: None,
            is_eternal: false,
            created_before: None,
            now,
        }
    }

    /// In which order they are found.
    pub fn order(&self) -> SearchOrder {
        match self.state {
            Some(TokenState::Expired) => SearchOrder::EndedLast,
            _ if self.ends_by.is_some() => SearchOrder::EndingNext,
            _ => SearchOrder::NewestFirst,
        }
    }

    /// Whether all is sought that was not revoked, perhaps of one user: what totals are kept of.
    pub(crate) fn is_plain(&self) -> bool {
        let rest = TokenSearch { user_id: None, ..self.clone() };
        rest == TokenSearch::of(self.app_id, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_in_its_order() {
        let place =
            SearchPlace { id: TokenId::new(7).unwrap(), ends_at: Timestamp::from_millis(-5).unwrap() };
        assert_eq!(place.to_text(SearchOrder::NewestFirst), "7");
        for order in [SearchOrder::EndingNext, SearchOrder::EndedLast] {
            assert_eq!(SearchPlace::from_text(&place.to_text(order), order), Some(place));
            assert_eq!(SearchPlace::from_text("7", order), None);
        }
        let newest = SearchPlace::from_text("7", SearchOrder::NewestFirst).unwrap();
        assert_eq!(newest.id, place.id);
        for bad in ["", "x", "0", "-1", "1.2", " 1"] {
            assert_eq!(SearchPlace::from_text(bad, SearchOrder::NewestFirst), None, "{bad}");
        }
    }
}
