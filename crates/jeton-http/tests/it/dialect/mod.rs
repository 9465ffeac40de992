pub(crate) mod appkey;

mod dotide;
mod loopback;
mod users;
