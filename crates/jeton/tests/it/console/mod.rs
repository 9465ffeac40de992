//! The console, as people see and use it, in a real browser.

mod journey;
mod pictures;

use crate::support::{Installation, Server};
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
}
