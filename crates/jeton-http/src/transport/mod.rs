//! What surfaces share between a request and its answer. It knows none of them.

pub(crate) mod body;
pub(crate) mod client_address;
pub(crate) mod cors;
pub(crate) mod credentials;
pub(crate) mod fault;
pub(crate) mod host;
pub(crate) mod http_date;
pub(crate) mod instant;
pub(crate) mod items;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod object;
pub(crate) mod outdated;
pub(crate) mod url;
pub(crate) mod wire;
