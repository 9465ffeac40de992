//! Settings on the command line.

use super::Config;
use super::kind::Kind;
use super::settings::{Flag, SETTINGS, Setting};
use crate::error::CommandError;
use crate::installation::Installation;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::fmt;
use std::path::PathBuf;

/// The flags that every command has: they select the installation.
pub(crate) type InstallationFlags = Flags<false>;
/// The flags of a server.
pub(crate) type ServeFlags = Flags<true>;

/// The given flags, unparsed.
#[derive(Clone, Default)]
pub(crate) struct Flags<const OF_SERVE: bool> {
    pub(crate) config: Option<PathBuf>,
    pub(crate) values: Vec<(&'static Setting, String)>,
}

impl<const OF_SERVE: bool> Flags<OF_SERVE> {
    fn settings() -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().filter(|setting| match setting.flag {
            Flag::No => false,
            Flag::AllCommands => true,
            Flag::Serve => OF_SERVE,
        })
    }

    /// All settings, from every source.
    pub(crate) fn load(&self) -> Result<Config, CommandError> {
        Config::load(self.config.as_deref(), &self.values)
    }
}

impl InstallationFlags {
    /// The installation that a command works on.
    pub(crate) fn resolve(&self) -> Result<Installation, CommandError> {
        Ok(self.load()?.installation)
    }
}

impl<const OF_SERVE: bool> fmt::Debug for Flags<OF_SERVE> {
    /// Names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(setting, _)| setting.name)).finish()
    }
}

impl<const OF_SERVE: bool> Args for Flags<OF_SERVE> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(
                "A TOML file of settings; flags and the environment override it [env: JETON_CONFIG] [default of an installed program: \
                 /etc/jeton/jeton.toml, if there is one]",
            );
        Self::settings().map(argument).fold(command.arg(config), Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The flag of a setting. Its value is checked later, together with those of files and of the environment.
fn argument(setting: &'static Setting) -> Arg {
    let mut help = format!("{} [env: {}]", setting.help, setting.variable());
    let argument = Arg::new(setting.name).long(setting.flag_name());
    if setting.kind == Kind::Switch {
        return argument
            .help(help)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false")
            .action(ArgAction::Set);
    }
    if let Some(default) = setting.default {
        help.push_str(&format!(" [default: {default}]"));
    }
    let value_name = match setting.kind {
        Kind::Path if setting.name == "data_dir" => "DIR",
        Kind::Path => "FILE",
        Kind::Address => "ADDR",
        Kind::PublicUrl | Kind::DatabaseUrl => "URL",
        Kind::Number { .. } => "N",
        Kind::Choice(_) | Kind::Switch | Kind::OnOutage => "NAME",
    };
    argument.help(help).value_name(value_name).action(ArgAction::Set)
}

impl<const OF_SERVE: bool> FromArgMatches for Flags<OF_SERVE> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &'static Setting| {
            matches.get_one::<String>(setting.name).map(|value| (setting, value.clone()))
        };
        let config = matches.get_one::<PathBuf>("config").cloned();
        Ok(Flags { config, values: Self::settings().filter_map(given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
