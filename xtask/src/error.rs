//! Why a task stopped.

use std::io;

/// Why a task stopped, with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{command}: {status}")]
    Exit { command: String, status: std::process::ExitStatus },
    #[error("{command}: cannot be run: {source}")]
    Start { command: String, source: io::Error },
    #[error("{what}: {source}")]
    Files { what: String, source: io::Error },
    /// A program printed something unexpected.
    #[error("{command} printed something unexpected:\n{output}")]
    Unclear { command: String, output: String },
    /// Something that only the reader can install.
    #[error("{0}")]
    Missing(String),
}
