//! The certificates that clients and operators are shown.

use crate::config::Config;
use crate::error::CommandError;
use jeton_http::{Tls, TlsError};
use std::path::PathBuf;
use std::sync::Arc;

/// One for each address that speaks TLS; `None`: it speaks in clear. Both may be one and the same.
#[derive(Clone)]
pub(super) struct Certificates {
    pub(super) public: Option<Arc<Tls>>,
    pub(super) admin: Option<Arc<Tls>>,
}

impl Certificates {
    /// Reads those that the settings name. The admin address has that of the public one where it has none of its own and can
    /// be reached from elsewhere.
    pub(super) fn load(config: &Config, admin_is_loopback: bool) -> Result<Self, CommandError> {
        let public = load(config.tls.as_ref())?;
        let admin = match load(config.admin_tls.as_ref())? {
            None if !admin_is_loopback => public.clone(),
            own => own,
        };
        Ok(Certificates { public, admin })
    }

    /// Reads the files again. If those of one cannot be used, its former certificate stays in use.
    pub(super) fn reload(&self) -> Result<(), CommandError> {
        for tls in [&self.public, &self.admin].into_iter().flatten() {
            tls.reload().map_err(|error| unusable(&error))?;
        }
        Ok(())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.public.is_none() && self.admin.is_none()
    }
}

fn load(files: Option<&(PathBuf, PathBuf)>) -> Result<Option<Arc<Tls>>, CommandError> {
    let Some((certificate, key)) = files else { return Ok(None) };
    Ok(Some(Arc::new(Tls::load(certificate, key).map_err(|error| unusable(&error))?)))
}

fn unusable(error: &TlsError) -> CommandError {
    CommandError::missing(error.to_string())
}
