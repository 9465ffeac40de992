//! The languages of the console.

/// A language that every text exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag (BCP 47), for the attribute `lang` and for whoever chooses it.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// What its readers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// The language of a tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The one that a browser would rather have, by its `Accept-Language` (RFC 9110 section 12.5.4); English if
    /// it wants neither.
    pub fn accepted(header: &str) -> Self {
        let mut best = (0, Language::English);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("en") => Language::English,
                Some("zh") => Language::Chinese,
                Some(_) | None => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let weight = quality.map_or(Some(1000), thousandths).unwrap_or(0);
            // Of equals the first.
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// A quality value: 0 to 1 with at most three digits.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let fits = digits.len() <= 3 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let part: u32 = format!("{digits:0<3}").parse().ok().filter(|_| fits)?;
    match whole {
        "0" => Some(part),
        "1" => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_what_it_would_rather_have() {
        for (header, language) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB, zh;q=0.9", Language::English),
            ("fr, de;q=0.9, zh-TW;q=0.2, en;q=0.1", Language::Chinese),
            ("ZH", Language::Chinese),
            ("zh;q=0, en;q=0.001", Language::English),
            ("zh;q=0.5, en;q=0.5", Language::Chinese),
            ("zh;q=high, fr", Language::English),
            ("*", Language::English),
            ("zh;q=0.9999999, fr", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn tags_name_their_language() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
        assert_eq!(Language::from_tag("fr"), None);
    }
}
