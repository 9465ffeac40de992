//! The console, request by request, as no browser would send some of them.

mod attacks;
mod sessions;
mod settings;
mod token_forms;
mod tokens;

use crate::answer::Answer;
use crate::app::TestApp;
use crate::person::Person;

impl<'a> Person<'a> {
    /// Somebody who has just arrived.
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Person::at(app, app.admin_http(), "/console")
    }

    /// An operator who has signed in.
    pub(crate) async fn signed_in(app: &'a TestApp) -> Self {
        let mut person = Person::new(app);
        let answer = person.sign_in(&app.operator).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        person
    }
}

/// Asserts that an answer leads to where an operator signs in.
#[track_caller]
pub(crate) fn assert_shut_out(answer: &Answer) {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let to = answer.header("location").unwrap();
    assert!(to.starts_with("/console/sign-in?back="), "{to}");
}
