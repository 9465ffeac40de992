//! The source of randomness.

use std::fmt;

/// A source of unpredictable bytes. The only source of randomness in the workspace.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    ///
    /// The source failed; `bytes` may be partly written and must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The system provided no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness available: {0}")]
pub struct EntropyError(pub String);

impl dyn Entropy + '_ {
    /// `N` unpredictable bytes.
    ///
    /// # Errors
    ///
    /// The source failed.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}
