//! The published APIs, each an adapter over the service.

pub(crate) mod appkey;
pub(crate) mod dotide;
pub(crate) mod loopback;
