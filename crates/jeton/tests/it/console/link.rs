//! The link that signs in whoever starts the server at a terminal.

use crate::support::Sandbox;
use crate::terminal::Session;
use jeton_testkit::{Browser, Canaries};

#[test]
fn a_link_signs_in_once() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let sandbox = Sandbox::sqlite();
    let session = Session::serve(&sandbox);
    let home = session.screen.wait_for("console        ");
    let link = session.screen.wait_for("sign in        ");
    assert!(link.starts_with(&format!("{home}enter?link=")), "{link}");
    let browser = Browser::start("en", true);
    for _ in 0..2 {
        browser.open(&link);
        assert_eq!(browser.title(), "Sign in · Jeton", "opening it does nothing");
    }
    browser.named("Sign in now").follow();
    assert_eq!(browser.url(), home);
    browser.named("Sign out").follow();
    browser.open(&link);
    browser.named("Sign in now").follow();
    assert!(browser.text().contains("This link was already used"), "{}", browser.text());
    assert!(browser.find_all("#token").len() == 1);
    // The screen has the link where it is meant to be, and the log that it also shows does not.
    let screen = session.stop();
    let secret = link.split_once('=').unwrap().1;
    assert_eq!(Canaries::new([secret]).in_text(screen.replacen(&link, "", 1)), []);
}
