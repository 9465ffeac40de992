//! The browser that tests use as people do, and its driver.

use super::apt::Apt;
use crate::error::Error;
use crate::process::output;
use std::process::Command;

/// The programs, each with the environment variable by which tests find another one, and its package.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("chromium", "JETON_TEST_CHROMIUM", "chromium"),
    ("chromedriver", "JETON_TEST_CHROMEDRIVER", "chromium-driver"),
];
/// Has Chinese letters, without which pictures of pages show boxes.
const FONT: &str = "fonts-wqy-microhei";

/// Installs what is missing.
///
/// # Errors
/// It cannot be installed automatically.
pub(super) fn install(apt: &mut Apt) -> Result<(), Error> {
    let is_missing = |program: &str| output(Command::new(program).arg("--version")).is_none();
    let is_named = |variable: &str| std::env::var_os(variable).is_some();
    let wanted = PROGRAMS.iter().filter(|(program, variable, _)| !is_named(variable) && is_missing(program));
    let mut packages: Vec<&str> = wanted.map(|(_, _, package)| *package).collect();
    let fonts = output(Command::new("fc-list").arg(":lang=zh"));
    if fonts.is_none_or(|fonts| fonts.trim().is_empty()) {
        packages.extend([FONT, "fontconfig"]);
    }
    if packages.is_empty() { Ok(()) } else { apt.install(&packages) }
}
