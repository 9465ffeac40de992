//! A bar that shows how far a long command is, on a terminal only.

use crate::control::{Working, watched};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jeton_service::Progress as Told;

/// Where it shows, for how much, how fast, and how long it takes yet.
const ROWS: &str = "{msg} [{bar:30}] {percent}% of {human_len}, {per_sec}, {eta} left";
const BYTES: &str = "{msg} [{bar:30}] {percent}% of {total_bytes}, {bytes_per_sec}, {eta} left";
/// Of what comes without end.
const UNBOUNDED: &str = "{msg}, {bytes} in {elapsed}, {bytes_per_sec}";

/// What is shown on standard error while a command works. Where that is no terminal, nothing is. Dropping it removes it.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
}

impl Progress {
    /// Shows nothing yet.
    pub(crate) fn new() -> Self {
        Progress { bar: bar(ROWS), what: String::new() }
    }

    /// Of something that has so many bytes, if that is known.
    pub(crate) fn of_bytes(what: &str, size: Option<u64>) -> Self {
        let bar = match size {
            Some(size) => {
                let bar = bar(BYTES);
                bar.set_length(size);
                bar
            }
            None => bar(UNBOUNDED),
        };
        bar.set_message(what.to_owned());
        Progress { bar, what: what.to_owned() }
    }

    /// Shows that of `total` parts of something so many are done. The speed of something begins with its first call.
    pub(crate) fn show(&mut self, what: &str, done: u64, total: u64) {
        if self.what == what {
            self.bar.set_position(done);
            return;
        }
        what.clone_into(&mut self.what);
        self.bar.set_message(what.to_owned());
        self.bar.set_length(total);
        self.bar.reset();
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    /// The same of what somebody works on.
    pub(crate) fn show_working(&mut self, Working { what, done, total }: &Working) {
        self.show(what, *done, *total);
    }

    /// Shows that so many bytes are done, and what that means.
    pub(crate) fn show_bytes(&self, done: u64, so_far: &str) {
        self.bar.set_message(format!("{}: {so_far}", self.what));
        self.bar.set_position(done);
    }

    /// Does something that writes to the terminal, with the bar out of its way.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}

/// Does something, and shows how far it is.
pub(crate) async fn show_while<T>(work: impl AsyncFnOnce(Told) -> T) -> T {
    let (told, mut shown) = (Told::default(), Progress::new());
    watched(work(told.clone()), &told, &mut |working| shown.show_working(&working)).await
}

fn bar(line: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(line).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> "))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
