use super::*;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Bytes that need `+` and `/` in base64, so that the two alphabets differ.
const SECRET: &str = "fbefbefbefbe00112233445566778899aabbccddeeff0102030405060708090a";

fn bytes() -> Vec<u8> {
    spelled_bytes(SECRET.as_bytes()).unwrap()
}

/// The forms in which the secret is found in `text`.
fn found(secret: &str, text: &[u8]) -> Vec<&'static str> {
    Canaries::new([secret]).in_text(text).iter().map(|sighting| sighting.form).collect()
}

fn around(core: &[u8]) -> Vec<u8> {
    [b"before \xff\x00", core, b"\x00 after"].concat()
}

#[test]
fn finds_the_text_and_its_bytes() {
    assert_eq!(found(SECRET, &around(SECRET.as_bytes())), ["text"]);
    assert_eq!(found(SECRET, &around(&bytes())), ["bytes"]);
    assert_eq!(found(SECRET, &around(SECRET.to_uppercase().as_bytes())), ["bytes in upper-case hex"]);
    assert_eq!(found(&SECRET.to_uppercase(), &around(SECRET.as_bytes())), ["bytes in hex"]);
}

#[test]
fn finds_the_text_in_hex_as_a_dump_of_bytea_shows_it() {
    let dumped = hex(SECRET.as_bytes());
    assert_eq!(found(SECRET, &around(dumped.as_bytes())), ["text in hex"]);
    let dumped = hex(b"chosen by a client").to_uppercase();
    assert_eq!(found("chosen by a client", &around(dumped.as_bytes())), ["text in upper-case hex"]);
}

#[test]
fn finds_base64_in_both_alphabets_with_and_without_padding() {
    for encoded in [
        STANDARD.encode(bytes()),
        URL_SAFE.encode(bytes()),
        STANDARD_NO_PAD.encode(bytes()),
        URL_SAFE_NO_PAD.encode(bytes()),
    ] {
        assert_eq!(found(SECRET, &around(encoded.as_bytes())), ["bytes in base64"], "{encoded}");
    }
    assert_eq!(found(SECRET, &around(STANDARD.encode(SECRET).as_bytes())), ["text in base64"]);
}

#[test]
fn finds_base64_wherever_it_begins_in_a_longer_value() {
    for lead in 0..7 {
        for tail in 0..4 {
            let longer = [&vec![b'u'; lead][..], &bytes(), &vec![0xee; tail]].concat();
            for encoded in [STANDARD.encode(&longer), URL_SAFE.encode(&longer)] {
                assert_eq!(found(SECRET, encoded.as_bytes()), ["bytes in base64"], "{lead} {tail}");
            }
            let basic =
                STANDARD.encode([&vec![b'u'; lead][..], SECRET.as_bytes(), &vec![b':'; tail]].concat());
            assert_eq!(found(SECRET, basic.as_bytes()), ["text in base64"], "{lead} {tail}");
        }
    }
}

#[test]
fn finds_what_follows_a_prefix() {
    let secret = format!("acme_{SECRET}");
    assert_eq!(found(&secret, &around(&bytes())), ["bytes"]);
    assert_eq!(found(&secret, &around(SECRET.as_bytes())), ["bytes in hex"]);
    assert_eq!(found(&secret, &around(secret.as_bytes())), ["text", "bytes in hex"]);
}

#[test]
fn a_secret_that_is_not_hex_has_a_text_only() {
    let secret = "chosen-by-a-client";
    assert_eq!(found(secret, &around(secret.as_bytes())), ["text"]);
    assert_eq!(found(secret, &around(hex(secret.as_bytes()).as_bytes())), ["text in hex"]);
}

#[test]
fn finds_nothing_where_nothing_is() {
    let other = SECRET.replace('a', "b");
    assert!(found(SECRET, other.as_bytes()).is_empty());
    assert!(found(SECRET, &SECRET.as_bytes()[1..]).is_empty());
    assert!(found(SECRET, b"").is_empty());
}

#[test]
fn says_which_secret_without_showing_it() {
    let canaries = Canaries::new(["another-secret", SECRET]);
    let sightings = canaries.in_text(format!("x {SECRET}"));
    assert_eq!(sightings.len(), 1);
    assert_eq!(sightings[0].to_string(), "the text holds secret 1 as text at byte 2");
    assert!(!format!("{canaries:?}{sightings:?}").contains(SECRET));
}

#[test]
fn searches_every_file_and_every_name() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let canaries = Canaries::new([SECRET]);
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/clean"), "nothing here").unwrap();
    assert_eq!(canaries.under(root).unwrap(), []);

    fs::write(root.join("a/b/deep.db"), around(&bytes())).unwrap();
    fs::write(root.join(format!("a/{SECRET}.json")), "{}").unwrap();
    let mut sightings: Vec<_> = canaries.under(root).unwrap().iter().map(ToString::to_string).collect();
    sightings.sort();
    let deep = root.join("a/b/deep.db");
    assert_eq!(
        sightings,
        [
            format!("{} holds secret 0 as bytes at byte 9", deep.display()),
            "a file's name holds secret 0 as text".to_owned(),
        ]
    );
}

#[test]
#[should_panic(expected = "nothing was searched")]
fn an_empty_directory_proves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let _ = Canaries::new([SECRET]).under(directory.path());
}

#[test]
#[should_panic(expected = "too short")]
fn a_short_secret_proves_nothing() {
    Canaries::new(["1234567"]);
}

#[test]
#[should_panic(expected = "no secret")]
fn no_secret_proves_nothing() {
    Canaries::new(Vec::<String>::new());
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Canaries::new([SECRET]).under(&directory.path().join("absent")).is_err());
}
