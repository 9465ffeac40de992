use crate::Frame;
use askama::Template;

/// The front page.
#[derive(Debug, Template)]
#[template(path = "front.html")]
pub struct Front<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// How many apps there are.
    pub apps: u64,
}
