//! The files of pages: looks, behaviour, icon. Each has a name with a digest of its content, so that a
//! browser may keep it for as long as it likes.

use std::sync::LazyLock;

/// A file of pages.
#[derive(Debug)]
pub struct Asset {
    /// Its name, which changes with its content.
    pub(crate) name: String,
    /// Its type, for the header `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css; charset=utf-8", include_str!("../assets/console.css")));
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("js", "text/javascript; charset=utf-8", include_str!("../assets/console.js"))
});
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("../assets/icon.svg")));

/// The file of this name, if there is one.
pub fn asset(name: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name).map(|asset| &**asset)
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let name = format!("{:016x}.{extension}", digest(content));
        Asset { name, content_type, content }
    }
}

/// FNV-1a: tells one release's file from another's, and protects nothing.
fn digest(content: &str) -> u64 {
    content.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_content() {
        assert_eq!(digest("a"), 0xaf63_dc4c_8601_ec8c, "as published for FNV-1a");
        let style = asset(&STYLE.name).unwrap();
        assert!(style.content.contains("prefers-color-scheme"));
        assert!(asset("console.css").is_none());
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for file in [&STYLE, &SCRIPT, &ICON] {
            let names = file.content.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !names.contains("//") || names.split("//").skip(1).all(|rest| rest.starts_with(' ')),
                "{}",
                file.name
            );
        }
    }
}
