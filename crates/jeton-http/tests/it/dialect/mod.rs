pub(crate) mod appkey;

mod dotide;
pub(crate) mod loopback;
mod users;
