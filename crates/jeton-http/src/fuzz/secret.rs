//! Secrets: only minted ones pass the arithmetic check, and only `expose` reveals one.

use jeton_core::{MAX_SECRET_BYTES, MacKey, Secret, TokenPrefix};

pub(super) fn secret(input: &[u8]) {
    let key = MacKey::new(&[7; 32]);
    if let Ok(text) = std::str::from_utf8(input) {
        let parsed = Secret::parse(text);
        assert_eq!(parsed.is_ok(), (1..=MAX_SECRET_BYTES).contains(&text.len()));
        if let Ok(secret) = parsed {
            presented(&secret, text, &key);
        }
    }
    let Some((random, rest)) = input.split_first_chunk::<16>() else { return };
    let prefix: Option<TokenPrefix> = std::str::from_utf8(rest).ok().and_then(|text| text.parse().ok());
    let minted = Secret::mint(&key, random, prefix.as_ref());
    assert!(minted.is_minted_by(&key) && !minted.is_minted_by(&MacKey::new(&[8; 32])));
    assert!(!minted.is_weak());
    // With any other digit it is garbage.
    let (place, digits) = (usize::from(random[0]) % 64, "0123456789abcdef");
    let mut text = minted.expose().to_owned();
    let from = text.len() - 64 + place;
    let other = digits.chars().find(|digit| !text[from..].starts_with(*digit)).unwrap_or('0');
    text.replace_range(from..=from, &other.to_string());
    assert!(Secret::parse(&text).is_ok_and(|garbled| !garbled.is_minted_by(&key)));
}

fn presented(secret: &Secret, text: &str, key: &MacKey) {
    assert_eq!(secret.expose(), text);
    let chars = text.chars().count();
    let masked = secret.masked();
    assert!(masked.chars().count() <= chars / 4 + 8, "{masked:?} shows more than a quarter");
    assert!(chars < 16 || !masked.contains(text));
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    if secret.is_minted_by(key) {
        let (_, digits) = text.split_once('_').unwrap_or(("", text));
        assert_eq!(digits.len(), 64);
    }
}
