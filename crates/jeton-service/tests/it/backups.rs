//! Backups for tests.

use jeton_service::{Progress, Service};
use std::fs::File;
use std::path::Path;

/// Makes a backup at this path.
pub(crate) async fn back_up(service: &Service, path: &Path) {
    let file = File::create(path).unwrap();
    service.back_up(path.parent().unwrap(), file, &Progress::default()).await.unwrap();
}
