//! No file longer than 500 lines, no function longer than 70.

use super::{Source, tokens};

const MOST_LINES_OF_FILE: usize = 500;
const MOST_LINES_OF_FUNCTION: usize = 70;

fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines > MOST_LINES_OF_FILE {
        faults.push(format!("{}: {lines} lines, more than {MOST_LINES_OF_FILE}", source.path));
    }
    match tokens::of(source) {
        Err(fault) => faults.push(fault),
        Ok(tokens) => faults.extend(tokens::functions(&tokens).iter().filter_map(|function| {
            let (first, lines) = (function.lines.start(), function.lines.clone().count());
            (lines > MOST_LINES_OF_FUNCTION).then(|| {
                format!(
                    "{}:{first}: fn {} has {lines} lines, more than {MOST_LINES_OF_FUNCTION}",
                    source.path, function.name
                )
            })
        })),
    }
    faults
}

#[test]
fn files_and_functions_are_short() {
    let sources = super::sources();
    super::assert_none(
        &sources.iter().filter(|source| source.is_rust()).flat_map(faults).collect::<Vec<_>>(),
    );
}

#[test]
fn a_long_file_is_found() {
    let file = |lines| Source::new("a.rs", &"// x\n".repeat(lines));
    assert_eq!(faults(&file(500)), [""; 0]);
    assert_eq!(faults(&file(501)), ["a.rs: 501 lines, more than 500"]);
}

#[test]
fn a_long_function_is_found_wherever_it_is() {
    // A function of `lines` lines.
    let function = |lines: usize| format!("fn f(a: [u8; {{ 1 }}]) {{{}}}", "\n".repeat(lines - 1));
    let too_long = |line| [format!("a.rs:{line}: fn f has 71 lines, more than 70")];
    let found = |text: &str| faults(&Source::new("a.rs", text));
    assert_eq!(found(&function(70)), [""; 0]);
    assert_eq!(found(&function(71)), too_long(1));
    assert_eq!(found(&format!("impl A {{\n    pub {}\n}}", function(71))), too_long(2));
    assert_eq!(found(&format!("trait A {{ fn g(); {} }}", function(71))), too_long(1));
    assert_eq!(found(&format!("proptest! {{\n#[test]\n{}\n}}", function(71))), too_long(3));
    assert_eq!(found(&format!("fn g() {{ const F: fn(); {} }}", function(60))), [""; 0]);
}

#[test]
fn what_cannot_be_read_is_found() {
    assert_eq!(faults(&Source::new("a.rs", "fn f( {")).len(), 1);
}
