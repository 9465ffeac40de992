use crate::{Field, Frame};
use askama::Template;

/// Asks whether something that cannot be undone is meant.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// What is asked.
    pub title: &'a str,
    /// What would happen.
    pub consequence: &'a str,
    /// Where the answer goes.
    pub action: &'a str,
    /// What it says along, unseen: names and values.
    pub hidden: &'a [(&'a str, &'a str)],
    /// What has to be typed before, if anything: the label, and what was typed.
    pub typed: Option<(&'a str, Field)>,
    /// What the button says that does it.
    pub button: &'a str,
    /// Where whoever changes their mind goes.
    pub back: &'a str,
}
