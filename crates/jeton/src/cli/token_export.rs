//! `jeton token export`

use super::output;
use super::progress::Progress;
use super::token_args::ExportArgs;
use super::token_list::Pages;
use crate::control::Executor;
use crate::error::CommandError;
use crate::request::Request;
use crate::serve::Signals;
use jeton_service::{LeftOut, read_key_file};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::IsTerminal;

pub(super) async fn export(args: &ExportArgs) -> Result<(), CommandError> {
    let installation = args.target.installation.resolve()?;
    let ring = match &args.for_keys {
        Some(path) => {
            let ring = read_key_file(path);
            // A file that is named and missing is no installation without keys.
            let ring = ring.map_err(|error| CommandError::usage(format!("--for-keys: {error}")))?;
            Some(ring.to_text().to_string())
        }
        None => None,
    };
    let app = args.target.app.clone();
    let request = |after, limit| Request::TokenExport { app: app.clone(), ring: ring.clone(), after, limit };
    let (mut executor, mut pages) = (Executor::of(&installation), Pages::of(request));
    // A terminal that shows the tokens is busy with them.
    let progress = (!std::io::stdout().is_terminal()).then(Progress::new);
    let mut export = Export { progress, written: 0, left_out: BTreeMap::new() };
    let mut signals = Signals::listen()?;
    let ended = loop {
        let page = tokio::select! {
            biased;
            () = signals.stop() => break Err(CommandError::unavailable(format!("stopped: {} tokens were written", export.written))),
            page = pages.next(&mut executor, u64::MAX) => page,
        };
        match page {
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
            Ok(Some(page)) => {
                if let Err(error) = export.write(&page, pages.total) {
                    break Err(error);
                }
            }
        }
    };
    executor.close().await;
    drop(export.progress);
    ended?;
    for (why, count) in &export.left_out {
        output::note(&format!("no import takes {count} of these tokens: {}", told(why)));
    }
    Ok(())
}

/// An export under way.
struct Export {
    progress: Option<Progress>,
    written: u64,
    /// How many tokens no import takes, by why that is.
    left_out: BTreeMap<String, u64>,
}

impl Export {
    fn write(&mut self, page: &[Value], total: Option<u64>) -> Result<(), CommandError> {
        for token in page {
            if let Some(why) = token["left_out"].as_str() {
                *self.left_out.entry(why.to_owned()).or_default() += 1;
            }
            output::write_some(&format!("{token}\n"))?;
        }
        self.written += page.len() as u64;
        if let (Some(progress), Some(total)) = (&mut self.progress, total) {
            progress.show("exporting", self.written, total);
        }
        Ok(())
    }
}

/// What that means, and what to do.
fn told(why: &str) -> &'static str {
    let why = LeftOut::ALL.into_iter().find(|known| known.name() == why);
    match why {
        Some(LeftOut::Delegated) => "other tokens made them, and they end with those",
        Some(LeftOut::OtherRing) => {
            "the app does not keep their secrets, and their digests are good for this installation's key ring alone"
        }
        Some(LeftOut::OlderKey) | None => {
            "an older key has made their digests; the current one makes others when the tokens are used"
        }
    }
}
