//! Searching the tokens of an app, as operators do.

use crate::model::StoredToken;
use jeton_core::{AppId, Label, Timestamp, Token, TokenId, TokenState, UserId};

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
    /// Only those with a scope that names this: as a permission, as the id of a resource, or as a tag.
    pub scope_name: Option<String>,
    /// Only those that stand so at [`now`](Self::now). `None`: all that were not revoked.
    pub state: Option<TokenState>,
    /// Only those that are older than this instant and were not used since.
    pub unused_since: Option<Timestamp>,
    /// Only those that were never used.
    pub is_never_used: bool,
    /// Only those that live at [`now`](Self::now) as far as that goes, and no longer than until this instant.
    pub ends_by: Option<Timestamp>,
    /// Only those that never end.
    pub is_eternal: bool,
    /// Only those that were made before this instant.
    pub created_before: Option<Timestamp>,
    /// The instant as of which they are sought.
    pub now: Timestamp,
    /// In which order, where that can be; `None`: as suits what is sought.
    pub sorted: Option<SearchOrder>,
}

/// How a title is sought, letter by letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TitleSearch {
    /// It is this.
    Whole(String),
    /// It begins like this.
    Prefix(String),
}

/// In which order tokens are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrder {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
    /// What ends next first. What never ends is not found.
    EndingNext,
    /// What ended last first.
    EndedLast,
    /// By title, letter by letter. What has none is not found.
    ByTitle,
}

/// Where a page of what is found begins: behind this token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPlace {
    /// The token.
    pub id: TokenId,
    /// What comes before its number in the order.
    pub key: PlaceKey,
}

/// What tokens are ordered by before their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceKey {
    /// Nothing.
    Number,
    /// Their ends.
    End(Timestamp),
    /// Their titles.
    Title(String),
}

/// What was found of tokens that were looked at.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The tokens.
    pub found: Vec<StoredToken>,
    /// Where to go on; `None`: there is nothing behind.
    pub next: Option<SearchPlace>,
    /// At how many tokens it looked, if it stopped for that and not for what it found.
    pub looked_at: Option<u32>,
}

impl SearchPlace {
    /// The place of a token in this order.
    pub fn of(token: &Token, order: SearchOrder) -> Self {
        let key = match order {
            SearchOrder::NewestFirst | SearchOrder::OldestFirst => PlaceKey::Number,
            SearchOrder::EndingNext | SearchOrder::EndedLast => {
                PlaceKey::End(token.expires_at.unwrap_or(Timestamp::MAX))
            }
            SearchOrder::ByTitle => {
                let title = token.spec.title.as_ref().map(Label::as_str);
                PlaceKey::Title(title.unwrap_or_default().to_owned())
            }
        };
        SearchPlace { id: token.id, key }
    }

    /// The place as text.
    pub fn to_text(&self) -> String {
        match &self.key {
            PlaceKey::Number => self.id.to_string(),
            PlaceKey::End(at) => format!("{}.{}", at.as_millis(), self.id),
            PlaceKey::Title(title) => format!("{}.{title}", self.id),
        }
    }

    /// The place that a text says, in a list in this order; `None`: it says none.
    pub fn from_text(text: &str, order: SearchOrder) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        let (id, key) = match order {
            SearchOrder::NewestFirst | SearchOrder::OldestFirst => (text, PlaceKey::Number),
            SearchOrder::EndingNext | SearchOrder::EndedLast => {
                let (at, id) = text.split_once('.')?;
                (id, PlaceKey::End(number(at).and_then(Timestamp::from_millis)?))
            }
            SearchOrder::ByTitle => {
                let (id, title) = text.split_once('.')?;
                let title = Label::new(title.to_owned()).ok()?;
                (id, PlaceKey::Title(title.as_str().to_owned()))
            }
        };
        Some(SearchPlace { id: number(id).and_then(TokenId::new)?, key })
    }
}

/// What an index has of the tokens of an app, in the order of a search: all that is sought is among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that were not revoked.
    Live,
    /// All that were.
    Revoked,
    /// Those that are switched off.
    Disabled,
    /// Those that end, or have ended.
    Ending,
    /// Those whose titles begin as is sought; all that have one.
    Titled,
    /// Those of one title.
    OfTitle,
    /// Those of a user.
    OfUser,
    /// Those that have tags.
    Tagged,
    /// Those that never end.
    Eternal,
}

impl Reach {
    /// How many of them are looked at for one answer: some ten milliseconds. Where neighbours in the index are none in the table,
    /// each may be a page of its own.
    pub(crate) const fn span(self) -> u32 {
        match self {
            Reach::Live | Reach::Revoked | Reach::Tagged | Reach::Eternal => 10_000,
            Reach::Disabled | Reach::Ending | Reach::Titled | Reach::OfTitle | Reach::OfUser => 1_000,
        }
    }
}

impl TokenSearch {
    /// All tokens of an app that were not revoked, as of this instant.
    pub fn of(app_id: AppId, now: Timestamp) -> Self {
        TokenSearch {
            app_id,
            user_id: None,
            title: None,
            tag: None,
            scope_name: None,
            state: None,
            unused_since: None,
            is_never_used: false,
            ends_by: None,
            is_eternal: false,
            created_before: None,
            now,
            sorted: None,
        }
    }

    /// In which order they are found.
    pub fn order(&self) -> SearchOrder {
        match (self.state, self.sorted) {
            (Some(TokenState::Revoked), Some(SearchOrder::OldestFirst)) => SearchOrder::OldestFirst,
            (Some(TokenState::Revoked), _) => SearchOrder::NewestFirst,
            (Some(TokenState::Expired), None | Some(SearchOrder::EndingNext)) => SearchOrder::EndedLast,
            (_, Some(SearchOrder::EndingNext)) if self.is_eternal => SearchOrder::NewestFirst,
            (_, Some(SearchOrder::EndedLast)) if self.state != Some(TokenState::Expired) => {
                SearchOrder::EndingNext
            }
            (_, Some(order)) => order,
            (_, None) if self.ends_by.is_some() => SearchOrder::EndingNext,
            (_, None) => SearchOrder::NewestFirst,
        }
    }

    /// Whether all is sought that was not revoked, perhaps of one user: what totals are kept of.
    pub fn is_plain(&self) -> bool {
        let is_whole = matches!(self.order(), SearchOrder::NewestFirst | SearchOrder::OldestFirst);
        let rest = TokenSearch { user_id: None, sorted: None, ..self.clone() };
        is_whole && rest == TokenSearch::of(self.app_id, self.now)
    }

    /// What an index has of them.
    pub(crate) fn reach(&self) -> Reach {
        match self.order() {
            SearchOrder::EndingNext | SearchOrder::EndedLast => Reach::Ending,
            SearchOrder::ByTitle if matches!(self.title, Some(TitleSearch::Whole(_))) => Reach::OfTitle,
            SearchOrder::ByTitle => Reach::Titled,
            SearchOrder::NewestFirst | SearchOrder::OldestFirst => self.reach_by_number(),
        }
    }

    fn reach_by_number(&self) -> Reach {
        match self {
            TokenSearch { state: Some(TokenState::Revoked), .. } => Reach::Revoked,
            TokenSearch { title: Some(TitleSearch::Whole(_)), .. } => Reach::OfTitle,
            TokenSearch { user_id: Some(_), .. } => Reach::OfUser,
            TokenSearch { state: Some(TokenState::Disabled), .. } => Reach::Disabled,
            TokenSearch { tag: Some(_), .. } => Reach::Tagged,
            TokenSearch { is_eternal: true, .. } => Reach::Eternal,
            _ => Reach::Live,
        }
    }

    /// Whether all that is within reach is sought.
    pub(crate) fn is_all_within_reach(&self) -> bool {
        let mut rest = TokenSearch { sorted: None, ..self.clone() };
        match self.reach() {
            // What is switched off may have ended as well, and a tag is one of several.
            Reach::Live | Reach::Disabled | Reach::Tagged => {}
            Reach::Revoked => rest.state = None,
            Reach::Ending if self.state == Some(TokenState::Expired) => rest.state = None,
            Reach::Ending => rest.ends_by = None,
            Reach::Titled | Reach::OfTitle => rest.title = None,
            Reach::OfUser => rest.user_id = None,
            Reach::Eternal => rest.is_eternal = false,
        }
        rest == TokenSearch::of(self.app_id, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_in_its_order() {
        let id = TokenId::new(7).unwrap();
        let ends_at = Timestamp::from_millis(-5).unwrap();
        for (order, key, text) in [
            (SearchOrder::NewestFirst, PlaceKey::Number, "7"),
            (SearchOrder::OldestFirst, PlaceKey::Number, "7"),
            (SearchOrder::EndingNext, PlaceKey::End(ends_at), "-5.7"),
            (SearchOrder::EndedLast, PlaceKey::End(ends_at), "-5.7"),
            (SearchOrder::ByTitle, PlaceKey::Title("a.签 ".to_owned()), "7.a.签 "),
            (SearchOrder::ByTitle, PlaceKey::Title(String::new()), "7."),
        ] {
            let place = SearchPlace { id, key };
            assert_eq!(place.to_text(), text);
            assert_eq!(SearchPlace::from_text(text, order), Some(place), "{text}");
        }
        for bad in ["", "x", "0", "-1", "1.2", " 1"] {
            assert_eq!(SearchPlace::from_text(bad, SearchOrder::NewestFirst), None, "{bad}");
        }
        for (bad, order) in [
            ("7", SearchOrder::EndingNext),
            ("7", SearchOrder::ByTitle),
            ("x.t", SearchOrder::ByTitle),
            ("7.a\0", SearchOrder::ByTitle),
        ] {
            assert_eq!(SearchPlace::from_text(bad, order), None, "{bad}");
        }
        assert_eq!(SearchPlace::from_text(&format!("7.{}", "x".repeat(256)), SearchOrder::ByTitle), None);
    }

    #[test]
    fn what_an_index_has_is_what_is_sought_or_more() {
        let all = || TokenSearch::of(AppId::new(1).unwrap(), Timestamp::MIN);
        let state = |state| TokenSearch { state: Some(state), ..all() };
        let sorted = |order| TokenSearch { sorted: Some(order), ..all() };
        let whole = || Some(TitleSearch::Whole("t".to_owned()));
        let start = || Some(TitleSearch::Prefix("t".to_owned()));
        let user = || Some("7".parse().unwrap());
        let (tag, ends_by) = (Some("a".to_owned()), Some(Timestamp::MAX));
        let is_all = true;
        for (search, reach, expected) in [
            (all(), Reach::Live, is_all),
            (sorted(SearchOrder::OldestFirst), Reach::Live, is_all),
            (sorted(SearchOrder::EndingNext), Reach::Ending, is_all),
            (sorted(SearchOrder::ByTitle), Reach::Titled, is_all),
            (TokenSearch { title: start(), ..sorted(SearchOrder::ByTitle) }, Reach::Titled, is_all),
            (TokenSearch { title: start(), ..all() }, Reach::Live, !is_all),
            (TokenSearch { title: whole(), ..all() }, Reach::OfTitle, is_all),
            (TokenSearch { title: whole(), user_id: user(), ..all() }, Reach::OfTitle, !is_all),
            (TokenSearch { user_id: user(), ..all() }, Reach::OfUser, is_all),
            (TokenSearch { user_id: user(), is_never_used: true, ..all() }, Reach::OfUser, !is_all),
            (TokenSearch { tag, ..all() }, Reach::Tagged, !is_all),
            (TokenSearch { is_eternal: true, ..all() }, Reach::Eternal, is_all),
            (TokenSearch { ends_by, ..all() }, Reach::Ending, is_all),
            (TokenSearch { ends_by, ..state(TokenState::Active) }, Reach::Ending, !is_all),
            (TokenSearch { ends_by, ..state(TokenState::Expired) }, Reach::Ending, !is_all),
            (state(TokenState::Expired), Reach::Ending, is_all),
            (state(TokenState::Revoked), Reach::Revoked, is_all),
            (state(TokenState::Disabled), Reach::Disabled, !is_all),
            (state(TokenState::Active), Reach::Live, !is_all),
            (TokenSearch { scope_name: Some("x".to_owned()), ..all() }, Reach::Live, !is_all),
            (TokenSearch { is_never_used: true, ..all() }, Reach::Live, !is_all),
            (TokenSearch { created_before: ends_by, ..all() }, Reach::Live, !is_all),
        ] {
            assert_eq!((search.reach(), search.is_all_within_reach()), (reach, expected), "{search:?}");
        }
        let plain = [all(), sorted(SearchOrder::OldestFirst), TokenSearch { user_id: user(), ..all() }];
        assert!(plain.iter().all(TokenSearch::is_plain));
        let partial =
            [sorted(SearchOrder::ByTitle), sorted(SearchOrder::EndingNext), state(TokenState::Active)];
        assert!(!partial.iter().any(TokenSearch::is_plain));
    }

    #[test]
    fn an_order_that_cannot_be_gives_way() {
        let sorted = |state, order| {
            let all = TokenSearch::of(AppId::new(1).unwrap(), Timestamp::MIN);
            TokenSearch { state, sorted: order, ..all }.order()
        };
        let (ending, ended) = (SearchOrder::EndingNext, SearchOrder::EndedLast);
        assert_eq!(sorted(Some(TokenState::Revoked), Some(SearchOrder::ByTitle)), SearchOrder::NewestFirst);
        assert_eq!(
            sorted(Some(TokenState::Revoked), Some(SearchOrder::OldestFirst)),
            SearchOrder::OldestFirst
        );
        assert_eq!(sorted(Some(TokenState::Expired), Some(ending)), ended);
        assert_eq!(sorted(Some(TokenState::Expired), Some(SearchOrder::ByTitle)), SearchOrder::ByTitle);
        assert_eq!(sorted(None, Some(ended)), ending);
        assert_eq!(sorted(None, None), SearchOrder::NewestFirst);
    }
}
