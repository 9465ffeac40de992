//! The console, as people see and use it, in a real browser.

mod journey;
mod link;
mod pictures;
mod tokens;

pub(crate) use pictures::{in_both_languages, seen, violations};

use crate::support::{Answer, Installation, Server, request};
use jeton_testkit::Browser;

/// A server with an app, and its operator.
pub(crate) struct Scene {
    pub(crate) installation: Installation,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Scene { installation: Installation::sqlite().serve() }
    }

    pub(crate) fn server(&self) -> &Server {
        self.installation.server()
    }

    /// The URL of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/console{path}", self.server().admin_address)
    }

    /// Signs the operator in.
    pub(crate) fn sign_in(&self, browser: &Browser) {
        browser.open(&self.url("/"));
        browser.find("#token").type_in(self.installation.credential("operator_token"));
        browser.find("main button.primary").follow();
        assert_eq!(browser.url(), self.url("/"), "{}", browser.text());
    }

    /// What the admin API answers the operator.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let bearer = format!("Authorization: Bearer {}", self.installation.credential("operator_token"));
        request(self.server().admin_address, method, &format!("/admin/v1{path}"), &[bearer], body)
    }
}

/// Asserts that pages came from here alone, broke no policy, and that nothing else went wrong with them; what the browser complains
/// about beyond that has one of these marks.
#[track_caller]
pub(crate) fn assert_content(browser: &Browser, home: &str, expected: &[&str]) {
    let complaints = browser.complaints();
    let unexpected = complaints.iter().filter(|one| !expected.iter().any(|mark| one.contains(mark)));
    let unexpected: Vec<_> = unexpected.collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let sent = browser.sent().into_iter().map(|sent| sent.url).filter(|url| url.starts_with("http"));
    let (here, elsewhere): (Vec<_>, Vec<_>) = sent.partition(|url| url.starts_with(home));
    assert!(!here.is_empty() && elsewhere.is_empty(), "{elsewhere:#?}");
}
