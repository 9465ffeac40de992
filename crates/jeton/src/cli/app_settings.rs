//! `jeton app settings`

use super::output;
use crate::config::InstallationFlags;
use crate::control::ask;
use crate::error::CommandError;
use crate::request::Request;
use crate::text::read_input;
use clap::Args;
use jeton_http::{nearest, read_json};
use jeton_service::{APP_SETTINGS, AppSetting, AppSettingKind};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
#[command(after_long_help = names())]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The app's key
    key: String,
    /// Change one setting, as in appkey.enabled=false; repeatable. Lists and objects are JSON; null: the default
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The merge patch: a file, or - for standard input. What --set says is merged after it
    #[arg(long, value_name = "FILE")]
    merge: Option<PathBuf>,
    /// Print the JSON on one line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: SettingsArgs) -> Result<(), CommandError> {
    let mut merge = args.merge.as_deref().map(read_patch).transpose()?;
    for text in &args.set {
        let patch = merge.get_or_insert_with(|| Value::Object(Map::new()));
        set(patch, text).map_err(|error| CommandError::usage(format!("--set {error}")))?;
    }
    let settings = ask(&args.installation.resolve()?, Request::AppSettings { key: args.key, merge }).await?;
    if args.json { output::write_json(&settings) } else { output::write(&format!("{settings:#}\n")) }
}

fn read_patch(path: &Path) -> Result<Value, CommandError> {
    let text = read_input(Some(path))?;
    let patch = read_json(text.as_bytes(), "the patch");
    patch.map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))
}

/// Adds one setting, `NAME=VALUE`, to a merge patch. Errors quote no value.
fn set(patch: &mut Value, text: &str) -> Result<(), String> {
    let (name, value) =
        text.split_once('=').ok_or("takes NAME=VALUE, as in appkey.enabled=false".to_owned())?;
    let (path, value) = match AppSetting::named(name) {
        Some(setting) => (name.split('.').collect(), read_value(setting, value)?),
        None => member(name, value)?,
    };
    put(patch, &path, value)
}

/// A member of a setting that is an object: what follows the name of the setting is one name, dots and all.
fn member<'a>(name: &'a str, value: &str) -> Result<(Vec<&'a str>, Value), String> {
    let of = |setting: &'static AppSetting| {
        let member = name.strip_prefix(setting.name)?.strip_prefix('.')?;
        let is_object = matches!(setting.kind, AppSettingKind::Object(_)) && !member.is_empty();
        is_object.then_some((setting, member))
    };
    let Some((setting, member)) = APP_SETTINGS.iter().find_map(of) else {
        return Err(unknown(name));
    };
    let value = read_json(value.as_bytes(), "the value").map_err(|error| format!("{name}: {error}"))?;
    Ok((setting.name.split('.').chain([member]).collect(), value))
}

fn unknown(name: &str) -> String {
    let name = output::printable(name);
    let names = || APP_SETTINGS.iter().map(|setting| setting.name);
    let of_section: Vec<&str> = names().filter(|known| known.starts_with(&format!("{name}."))).collect();
    match nearest(&name, names()) {
        _ if !of_section.is_empty() => format!("{name}: a section, with {}", of_section.join(", ")),
        Some(near) => format!("{name}: there is no such setting: did you mean {near}?"),
        None => format!("{name}: there is no such setting: jeton app settings --help names all"),
    }
}

fn read_value(setting: &AppSetting, text: &str) -> Result<Value, String> {
    let json = || serde_json::from_str::<Value>(text).ok();
    if text == "null" {
        return Ok(Value::Null);
    }
    let value = match setting.kind {
        AppSettingKind::Text(_) | AppSettingKind::Choice(_) => {
            let quoted = json().filter(Value::is_string);
            Some(quoted.unwrap_or_else(|| Value::String(text.to_owned())))
        }
        AppSettingKind::Switch => json().filter(Value::is_boolean),
        AppSettingKind::Number { .. } => json().filter(Value::is_number),
        // Of two members of one name none would count for sure.
        AppSettingKind::List(_) => read_json(text.as_bytes(), "it").ok().filter(Value::is_array),
        AppSettingKind::Object(_) => read_json(text.as_bytes(), "it").ok().filter(Value::is_object),
    };
    value.ok_or_else(|| format!("{}: it takes {}, such as {}", setting.name, setting.kind, setting.example))
}

fn put(patch: &mut Value, path: &[&str], value: Value) -> Result<(), String> {
    let contradicts = || format!("{}: --merge says something else of its section", path.join("."));
    let Some((name, sections)) = path.split_last() else { return Ok(()) };
    let mut place = patch;
    for section in sections {
        let members = place.as_object_mut().ok_or_else(contradicts)?;
        place = members.entry(*section).or_insert_with(|| Value::Object(Map::new()));
    }
    place.as_object_mut().ok_or_else(contradicts)?.insert((*name).to_owned(), value);
    Ok(())
}

/// What there is to set, for the help.
fn names() -> String {
    let of = |setting: &AppSetting| {
        let default = match setting.default() {
            Value::String(text) if text.is_empty() => "none".to_owned(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        let (name, kind, help) = (setting.name, setting.kind, setting.help.replace('`', ""));
        format!("  {name}\n      {help}\n      [{kind}; default: {default}]\n")
    };
    format!("Settings:\n{}", APP_SETTINGS.iter().map(of).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patch_of(texts: &[&str]) -> Result<Value, String> {
        let mut patch = json!({});
        texts.iter().try_for_each(|text| set(&mut patch, text)).map(|()| patch)
    }

    #[test]
    fn every_example_can_be_set() {
        for setting in APP_SETTINGS {
            let patch = patch_of(&[&format!("{}={}", setting.name, setting.example)]).unwrap();
            let value = patch.pointer(&format!("/{}", setting.name.replace('.', "/"))).unwrap();
            let is_text = matches!(setting.kind, AppSettingKind::Text(_) | AppSettingKind::Choice(_));
            let expected = if is_text { json!(setting.example) } else { setting.example.parse().unwrap() };
            assert_eq!(*value, expected, "{}", setting.name);
            assert!(names().contains(&format!("  {}\n", setting.name)));
        }
    }

    #[test]
    fn values_are_read_by_the_type_of_their_setting() {
        assert_eq!(
            patch_of(&["appkey.enabled=false", "appkey.default_days=7", "reveal=once", "token_prefix=123"]),
            Ok(
                json!({"appkey": {"enabled": false, "default_days": 7}, "reveal": "once", "token_prefix": "123"})
            )
        );
        assert_eq!(
            patch_of(&["forward_auth.over_limit=403", "token_prefix=\"a\"", "max_ttl_seconds=null"]),
            Ok(json!({"forward_auth": {"over_limit": "403"}, "token_prefix": "a", "max_ttl_seconds": null}))
        );
        assert_eq!(
            patch_of(&["forward_auth.demands.read.7={\"permission\":\"read\"}", "loopback.roles.admin=[1]"]),
            Ok(json!({
                "forward_auth": {"demands": {"read.7": {"permission": "read"}}}, "loopback": {"roles": {"admin": [1]}},
            }))
        );
        assert_eq!(
            patch_of(&["reveal=once", "reveal=always", "forward_auth.realm=a=b"]),
            Ok(json!({"reveal": "always", "forward_auth": {"realm": "a=b"}}))
        );
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        for (text, said) in [
            ("reveal", "takes NAME=VALUE, as in appkey.enabled=false"),
            ("appkey.enable=true", "appkey.enable: there is no such setting: did you mean appkey.enabled?"),
            ("colour=1", "colour: there is no such setting: jeton app settings --help names all"),
            ("dotide={}", "dotide: a section, with dotide.enabled, dotide.timezone"),
            ("appkey.enabled=no", "appkey.enabled: it takes true or false, such as false"),
            ("appkey.enabled=\"true\"", "appkey.enabled: it takes true or false, such as false"),
            ("delegation_depth=few", "delegation_depth: it takes a whole number from 0 to 8, such as 1"),
            (
                "cors.origins=https://app.example",
                "cors.origins: it takes a list: at most 100 origins, or [\"*\"] for any, such as [\"https://app.example\"]",
            ),
            (
                "loopback.roles=[]",
                "loopback.roles: it takes an object: names of roles, each with a list of users, such as {\"admin\":[1,2]}",
            ),
        ] {
            assert_eq!(patch_of(&[text]), Err(said.to_owned()), "{text}");
        }
        let mut patch = json!({"appkey": 1});
        let said = set(&mut patch, "appkey.enabled=true").unwrap_err();
        assert_eq!(said, "appkey.enabled: --merge says something else of its section");
        assert!(patch_of(&["loopback.roles.admin=1,2"]).unwrap_err().starts_with("loopback.roles.admin: "));
    }
}
