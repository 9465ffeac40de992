//! No circle between the folders of a crate: what is in a folder can be understood with what lies below it,
//! and without what lies above.
//!
//! The modules of a crate are found from the paths in it that begin with `crate`, `super` or `self`, and the
//! names that modules re-export by `use`. At each level a folder counts as one, with everything in it. A
//! crate's root, and the file that a folder begins with, bind together what is below them and count as
//! nothing by themselves. Files side by side may know each other; code compiled for tests only may know
//! everything.

use super::{Source, tokens};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The names of the modules from a crate's root to one of them.
type Path = Vec<String>;

/// One module: its file, the paths that it names, and those that it re-exports under another name.
#[derive(Debug, Default)]
struct Module {
    file: String,
    named: BTreeSet<Path>,
    handed_on: BTreeMap<String, Path>,
}

/// The modules of a crate by their paths.
type Modules = BTreeMap<Path, Module>;

/// What knows what among the modules of one level: each with the file by which it does.
type Level = BTreeMap<String, BTreeMap<String, String>>;

/// The faults of the crate with its sources in this folder.
fn faults(folder: &str, sources: &[Source]) -> Vec<String> {
    let modules = match modules(folder, sources) {
        Ok(modules) => modules,
        Err(fault) => return vec![fault],
    };
    let mut faults = Vec::new();
    for (parent, level) in levels(&modules) {
        let is_folder = |name: &&String| {
            let path = child(&parent, name);
            modules.keys().any(|module| module.len() > path.len() && module.starts_with(&path))
        };
        for circle in circles(&level) {
            if circle.iter().any(|name| is_folder(&name)) {
                faults.push(format!("{folder}: a circle of folders: {}", show(&circle, &level)));
            }
        }
    }
    faults
}

/// Each of a circle with what it knows of the others.
fn show(circle: &BTreeSet<String>, level: &Level) -> String {
    let mut knows = Vec::new();
    for (name, known) in level.iter().filter(|(name, _)| circle.contains(*name)) {
        let known = known.iter().filter(|(other, _)| circle.contains(*other));
        knows.extend(known.map(|(other, file)| format!("{name} knows {other} ({file})")));
    }
    knows.join(", ")
}

fn modules(folder: &str, sources: &[Source]) -> Result<Modules, String> {
    let mut files = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let inner = source.path.strip_prefix(folder).and_then(|path| path.strip_prefix('/'));
        if let Some(path) = inner.and_then(|inner| inner.strip_suffix(".rs")) {
            files.insert(path_of(path), (source, tokens::of(source)?));
        }
    }
    // Modules declared by a test are tests.
    let mut of_tests = BTreeSet::new();
    for (path, (_, tokens)) in &files {
        of_tests.extend(test_modules(tokens).into_iter().map(|name| child(path, &name)));
    }
    files.retain(|path, _| !of_tests.iter().any(|test| path.starts_with(test)));
    let mut modules: Modules = files
        .iter()
        .map(|(path, (source, _))| (path.clone(), Module { file: source.path.clone(), ..Module::default() }))
        .collect();
    let known: BTreeSet<Path> = modules.keys().cloned().collect();
    for (path, (_, tokens)) in &files {
        if let Some(module) = modules.get_mut(path) {
            Reader { known: &known, module }.read(tokens, path);
        }
    }
    Ok(modules)
}

/// The module of a file, from its path without `.rs`.
fn path_of(file: &str) -> Path {
    let mut path: Path = file.split('/').map(str::to_owned).collect();
    let is_root = path.len() == 1 && ["lib", "main"].contains(&file);
    if is_root || path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn child(parent: &[String], name: &str) -> Path {
    [parent, &[name.to_owned()]].concat()
}

/// The modules that a file declares for tests alone.
fn test_modules(tokens: &TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    for item in items(tokens) {
        names.extend(declared_module(&item.tokens).filter(|_| item.is_test));
    }
    names
}

/// Some tokens of one file that stand together, up to a `;` or behind braces.
struct Item {
    tokens: Vec<TokenTree>,
    is_test: bool,
}

fn items(tokens: &TokenStream) -> Vec<Item> {
    let mut items = Vec::new();
    let mut item = Item { tokens: Vec::new(), is_test: false };
    let mut is_use = false;
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_end = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_use,
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        is_use |= begins_use(&token, tokens.peek());
        if let TokenTree::Group(group) = &token {
            let text = group.stream().to_string().replace(' ', "");
            item.is_test |= group.delimiter() == Delimiter::Bracket && text == "cfg(test)";
        }
        item.tokens.push(token);
        if is_end {
            is_use = false;
            items.push(std::mem::replace(&mut item, Item { tokens: Vec::new(), is_test: false }));
        }
    }
    items.push(item);
    items
}

/// Whether an import begins here, and no `use<..>` of a type.
fn begins_use(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    let is_of_type = matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == '<');
    word(token).is_some_and(|word| word == "use") && !is_of_type
}

/// The module that an item declares.
fn declared_module(tokens: &[TokenTree]) -> Option<String> {
    let start = tokens.iter().position(|token| word(token).is_some_and(|word| word == "mod"))?;
    word(tokens.get(start + 1)?)
}

fn word(token: &TokenTree) -> Option<String> {
    if let TokenTree::Ident(ident) = token { Some(ident.to_string()) } else { None }
}

/// Reads the paths of one module, which may lie in modules within its file.
struct Reader<'a> {
    known: &'a BTreeSet<Path>,
    module: &'a mut Module,
}

impl Reader<'_> {
    /// `at`: the module that these tokens are in.
    fn read(&mut self, tokens: &TokenStream, at: &[String]) {
        for item in items(tokens).iter().filter(|item| !item.is_test) {
            let tokens = &item.tokens;
            let imports = (0..tokens.len()).find(|i| begins_use(&tokens[*i], tokens.get(i + 1)));
            if let Some(start) = imports {
                self.read_use(&tokens[start + 1..], &[], at);
            } else if let Some(name) = declared_module(tokens) {
                self.read_groups(tokens, &child(at, &name));
            } else {
                self.read_paths(tokens, at);
            }
        }
    }

    fn read_groups(&mut self, tokens: &[TokenTree], at: &[String]) {
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.read(&group.stream(), at);
            }
        }
    }

    /// Every path that begins with one of the words for a module, wherever it stands.
    fn read_paths(&mut self, tokens: &[TokenTree], at: &[String]) {
        let mut path = Vec::new();
        let mut tokens = tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            if let TokenTree::Group(group) = token {
                self.read(&group.stream(), at);
            }
            path.extend(word(token));
            let goes_on =
                |token: &&&TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
            if !path.is_empty() && tokens.peek().filter(goes_on).is_some() {
                tokens.next();
                if tokens.peek().filter(goes_on).is_some() {
                    tokens.next();
                    continue;
                }
            }
            if let Some(path) = absolute(&std::mem::take(&mut path), at) {
                self.module.named.insert(path);
            }
        }
    }

    /// The paths of a `use`, behind what stands before its braces.
    fn read_use(&mut self, tokens: &[TokenTree], before: &[String], at: &[String]) {
        let mut path = before.to_vec();
        let mut name = None;
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.read_use(&inner, &path, at);
                    path.clear();
                }
                TokenTree::Punct(punct) if [',', ';'].contains(&punct.as_char()) => {
                    self.note(&path, name.take(), at);
                    path = before.to_vec();
                }
                TokenTree::Ident(ident) if ident == "as" => name = tokens.get(i + 1).and_then(word),
                TokenTree::Ident(ident) if name.is_none() && ident != "self" || path.is_empty() => {
                    path.push(ident.to_string());
                }
                TokenTree::Ident(_) | TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
        if path.len() > before.len() || tokens.last().and_then(word).is_some() {
            self.note(&path, name, at);
        }
    }

    fn note(&mut self, path: &[String], name: Option<String>, at: &[String]) {
        let Some(last) = path.last().cloned() else { return };
        // A module below this one is named without more.
        let below = child(at, &path[0]);
        let full = if self.known.contains(&below) { Some([at, path].concat()) } else { absolute(path, at) };
        if let Some(full) = full {
            self.module.handed_on.insert(name.unwrap_or(last), full.clone());
            self.module.named.insert(full);
        }
    }
}

/// A path from the crate's root; `None`: it does not begin with a word for a module.
fn absolute(path: &[String], at: &[String]) -> Option<Path> {
    let (first, mut rest) = path.split_first()?;
    let mut start = match first.as_str() {
        "crate" => Vec::new(),
        "self" => at.to_vec(),
        "super" => at.split_last()?.1.to_vec(),
        _ => return None,
    };
    while let Some((first, others)) = rest.split_first().filter(|(first, _)| *first == "super") {
        debug_assert_eq!(first, "super");
        start = start.split_last()?.1.to_vec();
        rest = others;
    }
    Some([&start, rest].concat())
}

/// The module that a path leads to, through any re-exports.
fn resolved(path: &[String], modules: &Modules) -> Path {
    let mut path = path.to_vec();
    // Longer than any chain of re-exports; a circle of those would not compile.
    for _ in 0..16 {
        let module =
            (0..=path.len()).rev().map(|length| &path[..length]).find(|start| modules.contains_key(*start));
        let module = module.unwrap_or_default().to_vec();
        let handed_on = path.get(module.len()).and_then(|name| modules.get(&module)?.handed_on.get(name));
        match handed_on {
            Some(further) => path = [further, &path[module.len() + 1..]].concat(),
            None => return module,
        }
    }
    Vec::new()
}

/// What knows what at each level, by the module whose level it is.
fn levels(modules: &Modules) -> BTreeMap<Path, Level> {
    let mut levels: BTreeMap<Path, Level> = BTreeMap::new();
    for (from, module) in modules {
        for to in module.named.iter().map(|path| resolved(path, modules)) {
            let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                let level = levels.entry(from[..shared].to_vec()).or_default();
                let known = level.entry(one.clone()).or_default();
                known.entry(other.clone()).or_insert_with(|| module.file.clone());
            }
        }
    }
    levels
}

/// The sets of modules that all know each other, directly or not.
fn circles(level: &Level) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &String| {
        let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(name) = left.pop() {
            left.extend(
                level
                    .get(name)
                    .into_iter()
                    .flat_map(BTreeMap::keys)
                    .filter(|name| reached.insert((*name).clone())),
            );
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        level.keys().map(|name| (name, reached(name))).collect();
    let returns = |name: &&String| reached[*name].contains(*name);
    let circle = |name: &String| {
        let back = |other: &&String| reached.get(*other).is_some_and(|reached| reached.contains(name));
        reached[name].iter().filter(back).cloned().collect()
    };
    level.keys().filter(returns).map(circle).collect()
}

/// The folders of the sources of every crate.
fn crates(sources: &[Source]) -> BTreeSet<String> {
    let roots = sources.iter().filter_map(|source| {
        let folder = source.path.strip_suffix("/lib.rs").or_else(|| source.path.strip_suffix("/main.rs"))?;
        folder.ends_with("/src").then(|| folder.to_owned())
    });
    roots.collect()
}

#[test]
fn folders_know_each_other_in_one_direction() {
    let sources = super::sources();
    let crates = crates(&sources);
    assert!(crates.contains("crates/jeton-http/src") && crates.contains("xtask/src"), "{crates:?}");
    super::assert_none(&crates.iter().flat_map(|folder| faults(folder, &sources)).collect::<Vec<_>>());
}

/// The faults of a crate that has these files in its `src`, read from a folder of its own.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let src = folder.path().join("src");
    for (path, text) in files {
        let path = src.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut sources = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push(Source::new(path.to_str().unwrap(), &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let crates = crates(&sources);
    assert_eq!(crates.iter().map(String::as_str).collect::<Vec<_>>(), [src.to_str().unwrap()]);
    let faults = crates.iter().flat_map(|folder| faults(folder, &sources));
    faults.map(|fault| fault.replace(src.to_str().unwrap(), "src")).collect()
}

#[test]
fn a_circle_that_is_put_back_is_found() {
    let with = |below: &str| {
        found(&[
            ("lib.rs", "mod table;\nmod room;\nmod shared;\npub use room::Room;"),
            ("table.rs", "use crate::Room;\npub static TABLE: &[Room] = &[];"),
            ("room/mod.rs", "mod input;\npub use input::Room;"),
            ("room/input.rs", "use super::Room as Own;\nuse crate::shared::{self, body};\npub struct Room;"),
            ("shared/mod.rs", "pub mod body;"),
            ("shared/body.rs", below),
        ])
    };
    assert_eq!(with("pub fn read() {}"), [""; 0]);
    let circle = ["src: a circle of folders: room knows shared (src/room/input.rs), \
                   shared knows room (src/shared/body.rs)"];
    for below in [
        "use crate::room::Room;",
        "use crate::Room;",
        "use super::super::{room::{Room as Other}};",
        "fn f() { let x = crate::room::Room; }",
        "mod inner { fn f() -> impl Sized + use<> { super::super::super::room::Room } }",
        "#[cfg(any(test, fuzzing))] use crate::room;",
    ] {
        assert_eq!(with(below), circle, "{below}");
    }
    let longer = with("use crate::table::TABLE;");
    assert_eq!(longer.len(), 1);
    for step in ["room knows shared", "shared knows table", "table knows room"] {
        assert!(longer[0].contains(step), "{longer:?}");
    }
}

#[test]
fn what_is_no_circle_of_folders_is_not_found() {
    for below in [
        "// use crate::room::Room;\n/// [`crate::room::Room`]\nconst A: &str = \"crate::room::Room\";",
        "#[cfg(test)] mod tests { use crate::room::Room; }",
        "#[cfg(test)] mod tests;",
        "use crate::Service;\nuse other::room::Room;\nuse self::room::Room;",
    ] {
        let files = [
            ("lib.rs", "mod room;\nmod shared;\npub struct Service;"),
            ("room/mod.rs", "use crate::shared::body;"),
            ("room/input.rs", "use crate::Service;"),
            ("shared/mod.rs", "pub mod body;\npub fn of_folder() { body::read() }"),
            ("shared/body.rs", below),
            ("shared/body/tests.rs", "use crate::room::Room;\nuse super::super::of_folder;"),
        ];
        let files = if below.contains("mod tests;") { &files[..] } else { &files[..5] };
        assert_eq!(found(files), [""; 0], "{below}");
    }
    let files_side_by_side =
        [("main.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")];
    assert_eq!(found(&files_side_by_side), [""; 0]);
}

#[test]
fn a_circle_further_down_is_found() {
    let faults = found(&[
        ("lib.rs", "mod room;"),
        ("room.rs", "mod row;\nmod stream;"),
        ("room/row.rs", "use super::stream::Event;"),
        ("room/stream/mod.rs", "mod event;\npub use event::Event;"),
        ("room/stream/event.rs", "use crate::room::row::Row;"),
    ]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("stream knows row (src/room/stream/event.rs)"), "{faults:?}");
}
