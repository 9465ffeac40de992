//! Every text of the console, in each language.
//!
//! A text that is missing in one of them is no text at all: nothing compiles. So it is with a value that one of
//! them does not show, or shows without having it. A test finds texts that nothing shows.

mod apps;
mod audit;
mod common;
mod front;
mod operators;
mod self_service;
mod settings;
mod sign_in;
mod token_forms;
mod tokens;

/// Texts as methods of [`Language`](crate::Language): a name, perhaps with the names of values in parentheses,
/// then the English and the Chinese text. `plural`: the first value is a number, and English has two texts, for
/// one and for others.
macro_rules! messages {
    ($($(@$plural:ident)? $name:ident $(($($value:ident),+))?: $($text:literal),+;)+) => {
        impl $crate::Language {
            $($crate::messages::message! { $($plural)? $name $(($($value),+))?: $($text),+ })+
        }

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &[&str])] = &[$((stringify!($name), &[$($text),+])),+];
    };
}

macro_rules! message {
    ($name:ident: $english:literal, $chinese:literal) => {
        #[doc = $english]
        pub const fn $name(self) -> &'static str {
            match self {
                $crate::Language::English => $english,
                $crate::Language::Chinese => $chinese,
            }
        }
    };
    ($name:ident($($value:ident),+): $english:literal, $chinese:literal) => {
        #[doc = $english]
        pub fn $name(self, $($value: impl std::fmt::Display),+) -> String {
            match self {
                // Named, so that each text must show each of them.
                $crate::Language::English => format!($english, $($value = $value),+),
                $crate::Language::Chinese => format!($chinese, $($value = $value),+),
            }
        }
    };
    (plural $name:ident($count:ident $(, $value:ident)*): $one:literal, $others:literal, $chinese:literal) => {
        #[doc = $others]
        pub fn $name(self, $count: u64 $(, $value: impl std::fmt::Display)*) -> String {
            let shown = $crate::show::number($count);
            match (self, $count) {
                ($crate::Language::English, 1) => format!($one, $count = shown $(, $value = $value)*),
                ($crate::Language::English, _) => format!($others, $count = shown $(, $value = $value)*),
                ($crate::Language::Chinese, _) => format!($chinese, $count = shown $(, $value = $value)*),
            }
        }
    };
}
use {message, messages};

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn all() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
        let about_apps = [apps::ALL, settings::ALL, tokens::ALL, token_forms::ALL];
        let about_the_rest =
            [common::ALL, front::ALL, audit::ALL, operators::ALL, self_service::ALL, sign_in::ALL];
        about_apps.into_iter().chain(about_the_rest).flatten()
    }

    fn texts_under(folder: &Path, into: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("messages") {
                texts_under(&path, into);
            } else if path.is_file() {
                into.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_text_is_shown_somewhere() {
        let mut pages = String::new();
        // Where something is wrong with what was entered, the console says so.
        for folder in ["src", "templates", "../jeton-http/src/console", "../jeton-http/src/self_service"] {
            texts_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut pages);
        }
        let is_shown = |name: &str| {
            let called = [format!(".{name}("), format!("Language::{name},"), format!("Language::{name})")];
            called.iter().any(|called| pages.contains(called))
        };
        let unused: Vec<_> = all().filter(|(name, _)| !is_shown(name)).collect();
        assert!(unused.is_empty(), "nothing shows {unused:#?}");
    }

    #[test]
    fn what_is_chinese_is_chinese() {
        // Names, which are the same everywhere.
        let same = ["Jeton", "{page} · Jeton"];
        for (name, texts) in all() {
            let (chinese, english) = texts.split_last().unwrap();
            let has_chinese =
                |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
            assert!(has_chinese(chinese) || same.contains(chinese), "{name}: {chinese}");
            assert!(english.iter().all(|text| !has_chinese(text)), "{name}");
        }
    }
}
