pub(crate) mod appkey;

mod dotide;
