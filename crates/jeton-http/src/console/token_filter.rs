//! Which tokens of an app are sought: in their table, and to be revoked together.

use crate::browser::error::PageError;
use crate::browser::form::{Form, instant_of, noted};
use jeton_console::pages::TokenFilter;
use jeton_console::{Choice, Field, Language};
use jeton_core::{TokenState, UserId};
use jeton_service::{MAX_DAYS, SearchRequest, text_sought, title_sought};

/// What says so, by the names that the admin API has for it.
pub(super) const NAMES: [&str; 10] = [
    "title",
    "user_id",
    "state",
    "tag",
    "scope",
    "unused_days",
    "never_used",
    "expires_within_days",
    "eternal",
    "created_before",
];
/// Days to choose from: without a use, and until the end.
const UNUSED: [u32; 4] = [30, 90, 180, 365];
const EXPIRES: [u32; 4] = [1, 7, 30, 90];
/// What is chosen in the place of days.
const NEVER: &str = "never";

/// What was entered, and what that means.
pub(super) struct Sought {
    pub(super) filter: TokenFilter,
    /// `None`: some of it makes no sense, which its field says.
    pub(super) request: Option<SearchRequest>,
}

/// Days, or never, or neither.
struct Days {
    days: Option<u32>,
    is_never: bool,
}

impl Days {
    /// `name`: of the days; `or`: of what else says never.
    fn read(form: &Form, name: &str, or: &str) -> Result<Self, PageError> {
        let is_never = form.text(name) == NEVER || ["true", "yes"].contains(&form.text(or));
        let text = form.given(name).filter(|text| *text != NEVER);
        let number = |text: &str| text.parse().ok().filter(|days| *days <= MAX_DAYS);
        let days = text.map(|text| number(text).ok_or(PageError::Request)).transpose()?;
        Ok(Days { days, is_never })
    }

    /// What can be chosen. `span`: what so many days are called.
    fn choices(&self, presets: &[u32], names: [&str; 2], span: impl Fn(u32) -> String) -> Vec<Choice> {
        let choice = |value: String, label: String, is_chosen| Choice { value, label, is_chosen };
        let mut days: Vec<u32> = presets.to_vec();
        days.extend(self.days.filter(|days| !presets.contains(days)));
        let [any, never] = names.map(str::to_owned);
        let is_any = self.days.is_none() && !self.is_never;
        let mut choices = vec![choice(String::new(), any, is_any)];
        choices.push(choice(NEVER.to_owned(), never, self.is_never));
        choices.extend(
            days.into_iter()
                .map(|days| choice(days.to_string(), span(days), self.days == Some(days) && !self.is_never)),
        );
        choices
    }
}

/// What a form or a query says. `states`: those that can be sought.
pub(super) fn read(form: &Form, states: &[TokenState], language: Language) -> Result<Sought, PageError> {
    let field = |name| Field::of(form.text(name));
    let (mut title, mut user_id, mut tag) = (field("title"), field("user_id"), field("tag"));
    let (mut scope, mut created_before) = (field("scope"), field("created_before"));
    let too_long = language.text_too_long();
    let title_of = noted(&mut title, title_sought(form.given("title")), too_long);
    let user = form.given("user_id").map(str::parse::<UserId>).transpose();
    let user = noted(&mut user_id, user, language.app_admin_user_wrong());
    let tag_of = noted(&mut tag, text_sought("tag", form.given("tag")), too_long);
    let name = noted(&mut scope, text_sought("scope", form.given("scope")), too_long);
    let before = form.given("created_before").map(instant_of).transpose();
    let before = noted(&mut created_before, before, language.audit_wrong_since());
    let state = match form.given("state") {
        None => None,
        Some(text) => {
            let state = TokenState::from_name(text).filter(|state| states.contains(state));
            Some(state.ok_or(PageError::Request)?)
        }
    };
    let unused = Days::read(form, "unused_days", "never_used")?;
    let expires = Days::read(form, "expires_within_days", "eternal")?;
    let days = |days: u32| language.days(days.into());
    let filter = TokenFilter {
        title,
        user_id,
        tag,
        scope,
        created_before,
        state: state_choices(state, states, language),
        unused: unused.choices(&UNUSED, [language.any(), language.never_used()], |span| {
            language.unused_for(days(span))
        }),
        expires: expires.choices(&EXPIRES, [language.any(), language.never_expires()], |span| {
            language.expires_within(days(span))
        }),
    };
    let request = match (title_of, user, tag_of, name, before) {
        (Some(title), Some(user_id), Some(tag), Some(scope_name), Some(created_before)) => {
            Some(SearchRequest {
                title,
                user_id,
                tag,
                scope_name,
                created_before,
                state,
                unused_days: unused.days,
                is_never_used: unused.is_never,
                expires_within_days: expires.days,
                is_eternal: expires.is_never,
                sorted: None,
            })
        }
        _ => None,
    };
    Ok(Sought { filter, request })
}

fn state_choices(chosen: Option<TokenState>, states: &[TokenState], language: Language) -> Vec<Choice> {
    let all = Choice {
        value: String::new(),
        label: language.any_but_revoked().to_owned(),
        is_chosen: chosen.is_none(),
    };
    let states = states.iter().map(|state| Choice {
        value: state.name().to_owned(),
        label: language.state(*state).to_owned(),
        is_chosen: chosen == Some(*state),
    });
    std::iter::once(all).chain(states).collect()
}

/// What a form or a query says of it, for whoever is to be told the same.
pub(super) fn kept(form: &Form) -> Vec<(&'static str, &str)> {
    NAMES.into_iter().map(|name| (name, form.text(name))).filter(|(_, text)| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_service::TitleSearch;

    fn sought(query: &str) -> Result<Sought, PageError> {
        read(&Form::read(query.as_bytes()).unwrap(), &TokenState::ALL, Language::English)
    }

    fn chosen(choices: &[Choice]) -> Vec<&str> {
        choices.iter().filter(|one| one.is_chosen).map(|one| one.value.as_str()).collect()
    }

    #[test]
    fn a_filter_means_what_it_says() {
        let all = sought("state=&title=&unused_days=").unwrap();
        assert_eq!(all.request, Some(SearchRequest::default()));
        assert_eq!((chosen(&all.filter.unused), chosen(&all.filter.state)), (vec![""], vec![""]));
        let some =
            sought("title=ci*&user_id=7&state=active&unused_days=45&eternal=true&scope=+read").unwrap();
        let expected = SearchRequest {
            title: Some(TitleSearch::Prefix("ci".to_owned())),
            user_id: Some(UserId::from_integer(7)),
            state: Some(TokenState::Active),
            unused_days: Some(45),
            is_eternal: true,
            scope_name: Some("read".to_owned()),
            ..SearchRequest::default()
        };
        assert_eq!(some.request, Some(expected));
        assert_eq!((chosen(&some.filter.unused), chosen(&some.filter.expires)), (vec!["45"], vec![NEVER]));
        let never = sought("unused_days=never&expires_within_days=7").unwrap();
        let request = never.request.unwrap();
        assert!(request.is_never_used && request.unused_days.is_none());
        assert_eq!(request.expires_within_days, Some(7));
    }

    #[test]
    fn what_makes_no_sense_is_said_at_its_field() {
        let wrong = sought("title=%00&user_id=%01&tag=%00&scope=%00&created_before=soon").unwrap();
        assert!(wrong.request.is_none());
        let TokenFilter { title, user_id, tag, scope, created_before, .. } = wrong.filter;
        assert!([title, user_id, tag, scope, created_before].iter().all(|field| !field.error.is_empty()));
        // No form of ours says so.
        for other in ["state=live", "unused_days=x", "unused_days=36501", "expires_within_days=-1"] {
            assert!(matches!(sought(other), Err(PageError::Request)), "{other}");
        }
    }
}
