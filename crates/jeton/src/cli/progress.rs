//! A bar that shows how far a long command is, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where it shows, for how much, how fast, and how long it takes yet.
const LINE: &str = "{msg} [{bar:30}] {percent}% of {human_len}, {per_sec}, {eta} left";

/// What is shown on standard error while a command works. Where that is no terminal, nothing is. Dropping it removes it.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: Option<&'static str>,
}

impl Progress {
    /// Shows nothing yet.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(LINE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress { bar: bar.with_style(style.progress_chars("=> ")), shown: None }
    }

    /// Shows that of `total` parts of something so many are done. The speed of something begins with its first call.
    pub(crate) fn show(&mut self, what: &'static str, done: u64, total: u64) {
        if self.shown == Some(what) {
            self.bar.set_position(done);
            return;
        }
        self.shown = Some(what);
        self.bar.set_message(what);
        self.bar.set_length(total);
        self.bar.reset();
        self.bar.set_position(done);
        self.bar.reset_eta();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
