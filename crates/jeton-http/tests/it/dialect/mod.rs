pub(crate) mod appkey;
