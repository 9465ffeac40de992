//! The surfaces of each listener. To add one, write its folder and enter it here.

use crate::endpoint::Table;
use crate::{
    admin, appkey, auth, console, credentials, delegate, dotide, elsewhere, health, loopback, metrics, oauth,
    openapi, self_service, verify,
};

/// What clients of the service see.
pub(crate) const PUBLIC: Table = Table {
    surfaces: &[
        &auth::ENDPOINT,
        &verify::ENDPOINT,
        &appkey::ENDPOINT,
        &dotide::ENDPOINT,
        &oauth::ENDPOINT,
        &credentials::ENDPOINT,
        &delegate::ENDPOINT,
        &loopback::ENDPOINT,
        &self_service::ENDPOINT,
        &health::ENDPOINT,
    ],
    rest: &elsewhere::ENDPOINT,
};

/// What operators and machines see on the admin address.
pub(crate) const ADMIN: Table = Table {
    surfaces: &[
        &admin::ENDPOINT,
        &console::ENDPOINT,
        &health::ENDPOINT,
        &metrics::ENDPOINT,
        &openapi::ENDPOINT,
    ],
    rest: &elsewhere::ENDPOINT,
};

/// All of them.
pub(crate) const ALL: &[Table] = &[PUBLIC, ADMIN];
