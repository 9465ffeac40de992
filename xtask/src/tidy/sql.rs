//! The store's SQL neither reads a clock nor draws randomness: both come in as values, so that tests decide
//! them and both engines agree.

use super::{Source, tokens};

/// The one statement that may ask for the time: how far clocks are apart can be found out in no other way, and nothing is decided by it.
const CLOCK: (&str, &str) = ("crates/jeton-store/src/postgres/clock.rs", "clock_timestamp()");

const STORE: &str = "crates/jeton-store/";
/// Functions that answer something else each time, with the parentheses that tell them from a column.
const CALLS: [&str; 9] = [
    "now()",
    "random()",
    "randomblob(",
    "gen_random_uuid()",
    "clock_timestamp()",
    "statement_timestamp()",
    "transaction_timestamp()",
    "timeofday()",
    "unixepoch()",
];
/// Key words of the same kind, and the argument that asks SQLite for the time.
const WORDS: [&str; 6] =
    ["current_timestamp", "current_date", "current_time", "localtimestamp", "localtime", "'now'"];
/// The same in the words of the query builder.
const BUILDERS: [&str; 7] = [
    "current_timestamp",
    "current_date",
    "current_time",
    "CurrentTimestamp",
    "CurrentDate",
    "CurrentTime",
    "Func::random",
];

fn faults(source: &Source) -> Vec<String> {
    if !source.path.starts_with(STORE) || is_test(&source.path) {
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = if source.path.ends_with(".sql") {
        uncommented(&source.text).iter().flat_map(|(line, sql)| impure(*line, sql)).collect()
    } else if source.is_rust() {
        match tokens::of(source) {
            Err(unreadable) => return vec![unreadable],
            Ok(tokens) => {
                let literals = tokens::literals(&tokens);
                let strings = literals.iter().flat_map(|(line, literal)| impure(*line, literal));
                strings.chain(built(&tokens::words(&tokens))).collect()
            }
        }
    } else {
        Vec::new()
    };
    if source.path == CLOCK.0 {
        match found.iter().position(|(_, what)| what == CLOCK.1) {
            Some(place) => drop(found.remove(place)),
            None => return vec![format!("{}: no {}: the exception is not needed", CLOCK.0, CLOCK.1)],
        }
    }
    found.iter().map(|(line, what)| format!("{}:{line}: {what} in SQL", source.path)).collect()
}

/// Tests may name what they search for.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// The forbidden ones of the query builder's `words`.
fn built(words: &[(usize, String)]) -> Vec<(usize, String)> {
    let owners = std::iter::once("").chain(words.iter().map(|(_, word)| word.as_str()));
    let calls = words.iter().zip(owners).filter(|((_, word), owner)| {
        BUILDERS.iter().any(|forbidden| match forbidden.split_once("::") {
            Some((of, name)) => of == *owner && name == word,
            None => forbidden == word,
        })
    });
    calls.map(|(call, _)| call.clone()).collect()
}

/// The forbidden parts of `sql`, which begins at `line`.
fn impure(line: usize, sql: &str) -> Vec<(usize, String)> {
    let lines = sql.lines().enumerate();
    lines
        .flat_map(|(i, text)| {
            // Spaces around parentheses mean nothing.
            let text = text.to_lowercase().replace(" (", "(").replace("( )", "()");
            let found = CALLS.iter().chain(&WORDS).filter(|what| contains_word(&text, what));
            found.map(|what| (line + i, (*what).to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether `text` contains `word`, and not as a part of a longer word.
fn contains_word(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back().is_some_and(in_word);
        let after = word.ends_with(in_word) && text[start + word.len()..].starts_with(in_word);
        !before && !after
    })
}

/// The lines of an SQL file, counted from 1, without comments.
fn uncommented(sql: &str) -> Vec<(usize, String)> {
    let mut in_block = false;
    let mut lines = Vec::new();
    for (i, line) in sql.lines().enumerate() {
        let mut kept = String::new();
        let mut rest = line;
        loop {
            if in_block {
                let Some((_, after)) = rest.split_once("*/") else { break };
                (in_block, rest) = (false, after);
            }
            let code = rest.split("--").next().unwrap_or_default();
            let Some((before, after)) =
                code.split_once("/*").map(|(before, _)| (before, &rest[before.len() + 2..]))
            else {
                kept.push_str(code);
                break;
            };
            kept.push_str(before);
            (in_block, rest) = (true, after);
        }
        lines.push((i + 1, kept));
    }
    lines
}

#[test]
fn the_stores_sql_is_pure() {
    super::assert_none(&super::sources().iter().flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn impure_sql_is_found_in_files() {
    let found = |text: &str| faults(&Source::new("crates/jeton-store/migrations/1.sql", text));
    let path = "crates/jeton-store/migrations/1.sql";
    assert_eq!(found("a\nDEFAULT NOW ()"), [format!("{path}:2: now() in SQL")]);
    assert_eq!(found("DEFAULT CURRENT_TIMESTAMP,"), [format!("{path}:1: current_timestamp in SQL")]);
    assert_eq!(found("/* x\n */ random( ) -- y"), [format!("{path}:2: random() in SQL")]);
    assert_eq!(found("datetime('now')"), [format!("{path}:1: 'now' in SQL")]);
    assert_eq!(found("-- now()\n/* now()\nrandom() */ knows() now_at current_timestamp_of x"), [""; 0]);
}

#[test]
fn impure_sql_is_found_in_code() {
    let path = "crates/jeton-store/src/a.rs";
    let found = |text: &str| faults(&Source::new(path, text));
    assert_eq!(found("fn f() { q(\"a\n now()\") }"), [format!("{path}:2: now() in SQL")]);
    assert_eq!(found("fn f() { let random = 1; Func::random() }"), [format!("{path}:1: random in SQL")]);
    assert_eq!(
        found("fn f() { Expr::current_timestamp() }"),
        [format!("{path}:1: current_timestamp in SQL")]
    );
    assert_eq!(found("/// now()\nfn f() { clock.now(); /* 'now()' */ }"), [""; 0]);
    let clock = |text: &str| faults(&Source::new(CLOCK.0, text));
    let asks = "fn f() { q(\"clock_timestamp()\") }";
    assert_eq!(clock(asks), [""; 0]);
    assert_eq!(clock(&format!("{asks}\n{asks}")), [format!("{}:2: clock_timestamp() in SQL", CLOCK.0)]);
    assert_eq!(clock("fn f() { q(\"now()\") }").len(), 1);
    for elsewhere in ["crates/jeton-http/src/a.rs", "crates/jeton-store/src/a/tests.rs"] {
        assert_eq!(faults(&Source::new(elsewhere, "fn f() { q(\"now()\") }")), [""; 0]);
    }
}
