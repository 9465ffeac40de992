//! Which value each setting has, and where it comes from.

use super::file;
use super::kind::Kind;
use super::settings::{SETTINGS, Setting};
use crate::error::CommandError;
use crate::text::read_text;
use jeton_http::nearest;
use serde_json::Value;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: Arc<Path>, line: usize },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// A setting, its value, and where it comes from. Contains secrets: it has no `Debug`.
#[derive(Clone)]
pub(crate) struct Decided {
    pub(crate) setting: &'static Setting,
    pub(crate) text: Option<String>,
    pub(crate) origin: Origin,
}

impl Decided {
    /// The value for display: without a password.
    pub(crate) fn shown(&self) -> Value {
        let Some(text) = &self.text else { return Value::Null };
        match self.setting.kind {
            Kind::Number { .. } | Kind::Switch => text.parse().unwrap_or(Value::Null),
            kind => kind.shown(text).into(),
        }
    }
}

/// All settings, in the order of their table.
#[derive(Clone)]
pub(crate) struct Effective {
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: Vec<Decided>,
}

/// The environment variables that settings need, and where the program is.
pub(crate) trait Environment {
    fn variable(&self, name: &str) -> Option<OsString>;
    fn names(&self) -> Vec<OsString>;
    /// The program's own file.
    fn program(&self) -> Option<PathBuf>;
}

/// That of this process.
pub(crate) struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        // Many tools set a variable to the empty string to leave it out.
        std::env::var_os(name).filter(|value| !value.is_empty())
    }

    fn names(&self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }

    fn program(&self) -> Option<PathBuf> {
        std::env::current_exe().ok()
    }
}

/// The settings of this machine.
const SYSTEM_FILE: &str = "/etc/jeton/jeton.toml";
/// Where a program is that was installed for the whole machine, by a package or by hand.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// The settings of this machine, if the program was installed for it and there are any. One that a developer has just built, or that
/// a user installed, does not touch the machine's service.
fn system_file(environment: &dyn Environment, file: &'static str) -> Option<PathBuf> {
    let program = environment.program()?;
    let is_installed = SYSTEM_FOLDERS.iter().any(|folder| program.parent() == Some(Path::new(folder)));
    // What may not be seen is there.
    let exists = || Path::new(file).try_exists().unwrap_or(true);
    (is_installed && exists()).then(|| file.into())
}

impl Effective {
    /// A flag overrides the environment, which overrides the file, which overrides the default.
    pub(crate) fn decide(
        file: Option<&Path>,
        flags: &[(&'static Setting, String)],
        environment: &dyn Environment,
    ) -> Result<Self, CommandError> {
        let named =
            file.map(Path::to_owned).or_else(|| environment.variable("JETON_CONFIG").map(PathBuf::from));
        let file = named.or_else(|| system_file(environment, SYSTEM_FILE));
        let entries = match &file {
            Some(path) => read_file(path)?,
            None => Vec::new(),
        };
        let decide = |setting: &'static Setting| {
            let given = flags.iter().find(|(flag, _)| flag.name == setting.name);
            if let Some((_, text)) = given {
                return checked(setting, text.clone(), Origin::Flag(setting.flag_name()));
            }
            if let Some((name, text)) = variable(setting, environment)? {
                return checked(setting, text, Origin::Environment(name));
            }
            let entry = entries.iter().find(|(entry, _)| entry.setting.name == setting.name);
            Ok(match entry {
                Some((entry, origin)) => {
                    Decided { setting, text: Some(entry.text.clone()), origin: origin.clone() }
                }
                None => {
                    let text = setting.default.map(str::to_owned);
                    Decided { setting, text, origin: Origin::Default }
                }
            })
        };
        let settings = SETTINGS.iter().map(decide).collect::<Result<_, _>>()?;
        Ok(Effective { file, settings })
    }

    /// The setting of this name.
    pub(crate) fn of(&self, name: &str) -> &Decided {
        let found = self.settings.iter().find(|decided| decided.setting.name == name);
        found.unwrap_or_else(|| unreachable!("{name} is in the table"))
    }
}

/// The settings of a file, with their lines.
pub(crate) fn read_file(path: &Path) -> Result<Vec<(file::Entry, Origin)>, CommandError> {
    let text = read_text(path)
        .map_err(|reason| CommandError::usage(format!("{} cannot be read: {reason}", path.display())))?;
    let entries = file::read(&text).map_err(|fault| {
        CommandError::usage(format!("{}:{}: {}", path.display(), fault.line, fault.message))
    })?;
    let path: Arc<Path> = path.into();
    let placed = |entry: file::Entry| {
        let origin = Origin::File { path: Arc::clone(&path), line: entry.line };
        (entry, origin)
    };
    Ok(entries.into_iter().map(placed).collect())
}

fn checked(setting: &'static Setting, text: String, origin: Origin) -> Result<Decided, CommandError> {
    match setting.kind.check(&text) {
        Ok(()) => Ok(Decided { setting, text: Some(text), origin }),
        Err(_) => {
            let (name, kind) = (setting.name, setting.kind);
            let meant = kind.meant(&text).map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
            Err(CommandError::usage(format!("{origin}: {name} is {kind}{meant}")))
        }
    }
}

/// The value of a setting in the environment, under its name or the older one.
fn variable(
    setting: &Setting,
    environment: &dyn Environment,
) -> Result<Option<(String, String)>, CommandError> {
    let names = [Some(setting.variable()), setting.older_variable().map(str::to_owned)];
    for name in names.into_iter().flatten() {
        if let Some(value) = environment.variable(&name) {
            let text = value.into_string();
            let text = text.map_err(|_| CommandError::usage(format!("{name}: the value is not UTF-8")))?;
            return Ok(Some((name, text)));
        }
    }
    Ok(None)
}

/// Variables that look like settings and are none, with what was probably meant. They are not errors:
/// Kubernetes, for one, sets `JETON_PORT` and the like for a service of that name.
pub(crate) fn mistyped(environment: &dyn Environment) -> Vec<(String, String)> {
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let others = ["JETON_CONFIG", "JETON_KEYS", "JETON_LOG"];
    let names = environment.names().into_iter().filter_map(|name| name.into_string().ok());
    names
        .filter(|name| name.starts_with("JETON_"))
        .filter(|name| !known.contains(name) && !others.contains(&name.as_str()))
        .filter_map(|name| {
            // The common prefix does not count as similarity.
            let stems = known.iter().filter_map(|known| known.strip_prefix("JETON_"));
            let near = nearest(name.strip_prefix("JETON_")?, stems)?;
            Some((name.clone(), format!("JETON_{near}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<(&'static str, &'static str)>);

    impl Environment for Fixed {
        fn variable(&self, name: &str) -> Option<OsString> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        }

        fn names(&self) -> Vec<OsString> {
            self.0.iter().map(|(name, _)| OsString::from(name)).collect()
        }

        fn program(&self) -> Option<PathBuf> {
            self.variable("program").map(PathBuf::from)
        }
    }

    #[test]
    fn a_program_that_was_installed_for_the_machine_reads_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path: &'static str =
            folder.path().join("jeton.toml").into_os_string().into_string().unwrap().leak();
        let found = |program: &'static str| system_file(&Fixed(vec![("program", program)]), path);
        assert_eq!(found("/usr/bin/jeton"), None, "there are none");
        std::fs::write(path, "").unwrap();
        assert_eq!(found("/usr/bin/jeton"), Some(path.into()));
        assert_eq!(found("/usr/local/bin/jeton"), Some(path.into()));
        assert_eq!(found("/srv/jeton/target/release/jeton"), None);
        assert_eq!(system_file(&Fixed(vec![]), path), None, "it is not known where the program is");
    }

    fn decided(effective: &Effective, name: &str) -> (String, String) {
        let decided = effective.of(name);
        (decided.text.clone().unwrap_or_default(), decided.origin.to_string())
    }

    #[test]
    fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jeton.toml");
        let listen = Setting::named("listen").unwrap();
        let expect = |environment: &Fixed, flags: &[(&'static Setting, String)], expected: (&str, &str)| {
            let effective = Effective::decide(Some(&path), flags, environment).ok().unwrap();
            assert_eq!(decided(&effective, "listen"), (expected.0.to_owned(), expected.1.to_owned()));
        };
        std::fs::write(&path, "").unwrap();
        expect(&Fixed(vec![]), &[], ("127.0.0.1:8080", "default"));
        std::fs::write(&path, "\nlisten = \"127.0.0.1:1\"").unwrap();
        expect(&Fixed(vec![]), &[], ("127.0.0.1:1", &format!("{}:2", path.display())));
        let environment = Fixed(vec![("JETON_LISTEN", "127.0.0.1:2")]);
        expect(&environment, &[], ("127.0.0.1:2", "JETON_LISTEN"));
        expect(&environment, &[(listen, "127.0.0.1:3".to_owned())], ("127.0.0.1:3", "--listen"));
    }

    #[test]
    fn the_environment_names_a_file_and_an_older_name_still_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jeton.toml").into_os_string().into_string().unwrap();
        std::fs::write(&path, "log.format = \"json\"").unwrap();
        let environment = Fixed(vec![("JETON_CONFIG", path.leak()), ("JETON_LOG", "debug")]);
        let effective = Effective::decide(None, &[], &environment).ok().unwrap();
        assert_eq!(decided(&effective, "log.format").0, "json");
        assert_eq!(decided(&effective, "log.level"), ("debug".to_owned(), "JETON_LOG".to_owned()));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_the_name_of_where_it_stands() {
        let refused = |environment: Fixed| Effective::decide(None, &[], &environment).err().unwrap().message;
        let message = refused(Fixed(vec![("JETON_LIMITS_SCOPES", "canary")]));
        assert_eq!(message, "JETON_LIMITS_SCOPES: limits.scopes is a whole number from 1 to 1024");
        assert!(!refused(Fixed(vec![("JETON_DATABASE_URL", "canary")])).contains("canary"));
    }

    #[test]
    fn mistyped_variables_are_found_and_others_left_alone() {
        let environment = Fixed(vec![
            ("JETON_LIMITS_BODY_BYTE", "1"),
            ("JETON_PORT", "tcp://10.0.0.1:80"),
            ("JETON_SERVICE_HOST", "10.0.0.1"),
            ("JETON_KEYS", "x"),
            ("PATH", "/"),
        ]);
        let expected = ("JETON_LIMITS_BODY_BYTE".to_owned(), "JETON_LIMITS_BODY_BYTES".to_owned());
        assert_eq!(mistyped(&environment), [expected]);
    }
}
