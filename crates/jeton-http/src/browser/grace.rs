//! For how long a secret stays good beside the one that replaces it, as pages offer it.

use super::error::PageError;
use super::form::Form;
use jeton_console::{Choice, Language};
use std::time::Duration;

/// In seconds.
const GRACES: [u64; 4] = [0, 3_600, 86_400, 604_800];

/// What there is to choose from. The first is none at all: what may have leaked ends at once unless somebody says otherwise.
pub(crate) fn choices(language: Language) -> Vec<Choice> {
    let choice = |seconds: u64| Choice {
        value: seconds.to_string(),
        label: language.grace(seconds),
        is_chosen: seconds == 0,
    };
    GRACES.map(choice).into()
}

/// What was chosen; `None`: none at all.
pub(crate) fn chosen(form: &Form) -> Result<Option<Duration>, PageError> {
    let seconds: u64 = form.text("grace").parse().map_err(|_| PageError::Request)?;
    if !GRACES.contains(&seconds) {
        return Err(PageError::Request);
    }
    Ok(Some(Duration::from_secs(seconds)).filter(|grace| !grace.is_zero()))
}
