//! The settings of an app.

use super::visit::Visit;
use crate::browser::error::PageError;
use crate::browser::form::Form;
use crate::transport::members::read_json;
use axum::response::Response;
use jeton_console::pages::{AppSettingsPage, SETTINGS, Setting, SettingInput, SettingKind};
use jeton_console::{Choice, Field, Language, Notice, Page, Section};
use jeton_service::{AppSummary, Merged, SettingsDocumentError, print_settings};
use serde_json::{Map, Value, json};

pub(super) async fn show(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let document = print_settings(&app.settings);
    Ok(visit.page(Section::Apps, |frame| {
        let (key, version) = (app.key.as_str(), app.version.to_string());
        let (inputs, json, error) = (inputs(&document), pretty(&document), String::new());
        AppSettingsPage { frame, key, version, inputs, json, error }.html()
    }))
}

/// The whole form: every setting that has a place in it.
pub(super) async fn change(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let mut entered = entered(visit.form());
    let mut patch = Value::Object(Map::new());
    let mut is_sound = true;
    for (setting, input) in SETTINGS.iter().zip(&mut entered) {
        match value(setting, input) {
            Some(value) => put(&mut patch, setting.name, value),
            None => {
                is_sound = false;
                note(input, visit.language().settings_number());
            }
        }
    }
    if !is_sound {
        return Ok(again(visit, &app, entered, pretty(&print_settings(&app.settings)), String::new()));
    }
    merge(visit, &app, &patch, |document, error| {
        let mut unplaced = told(visit.language(), &error);
        if let SettingsDocumentError::Member(wrong) = &error
            && let Some(input) = place(&mut entered, wrong.member)
        {
            note(input, &visit.language().settings_wanted(wrong.wanted));
            unplaced.clear();
        }
        (entered, pretty(document), unplaced)
    })
    .await
}

/// The JSON: any settings, as a merge patch.
pub(super) async fn change_json(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let text = visit.form().text("json").to_owned();
    match read_json(text.as_bytes(), "this") {
        Ok(patch) => {
            merge(visit, &app, &patch, |document, error| {
                let json = Field { value: text, error: told(visit.language(), &error) };
                (inputs(document), json, String::new())
            })
            .await
        }
        Err(error) => {
            let wrong = format!("{} {error}", visit.language().settings_not_json());
            let json = Field { value: text, error: wrong };
            Ok(again(visit, &app, inputs(&print_settings(&app.settings)), json, String::new()))
        }
    }
}

/// Merges a patch, if the app is as whoever sends it has seen it; `refused` says what the page shows if not.
async fn merge(
    visit: &Visit,
    app: &AppSummary,
    patch: &Value,
    refused: impl FnOnce(&Value, SettingsDocumentError) -> (Vec<SettingInput>, Field, String),
) -> Result<Response, PageError> {
    let seen = visit.form().text("version");
    let is_expected = |version: jeton_service::AppVersion| version.to_string() == seen;
    match visit.service().merge_settings_if(&app.key, patch, is_expected, &visit.cause()).await? {
        Merged::Done(app) => {
            let path = format!("/console/apps/{}/settings", app.key);
            Ok(visit.done(&path, Notice::SettingsChanged(app.key.to_string())))
        }
        Merged::NoApp => Err(PageError::NotFound),
        Merged::Stale => {
            let now = visit.app().await?;
            let document = print_settings(&now.settings);
            let stale = visit.language().settings_stale().to_owned();
            Ok(again(visit, &now, inputs(&document), pretty(&document), stale))
        }
        Merged::Refused(error) => {
            let (inputs, json, error) = refused(&print_settings(&app.settings), error);
            Ok(again(visit, app, inputs, json, error))
        }
    }
}

/// Why settings were not saved. What is wrong with them is said in English, as to programs.
fn told(language: Language, error: &SettingsDocumentError) -> String {
    match error {
        SettingsDocumentError::Form(wrong) => language.settings_not_saved(wrong),
        SettingsDocumentError::Member(wrong) => language.settings_not_saved(wrong),
    }
}

fn again(visit: &Visit, app: &AppSummary, inputs: Vec<SettingInput>, json: Field, error: String) -> Response {
    visit.again(Section::Apps, |frame| {
        let (key, version) = (app.key.as_str(), app.version.to_string());
        AppSettingsPage { frame, key, version, inputs, json, error }.html()
    })
}

fn pretty(document: &Value) -> Field {
    Field::of(format!("{document:#}"))
}

/// What the settings hold now.
fn inputs(document: &Value) -> Vec<SettingInput> {
    let held = |setting: &Setting| {
        let pointer = format!("/{}", setting.name.replace('.', "/"));
        let value = document.pointer(&pointer).unwrap_or(&Value::Null);
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
            value => value.to_string(),
        };
        input(&setting.kind, &text, value == &json!(true))
    };
    SETTINGS.iter().map(held).collect()
}

/// What was entered.
fn entered(form: &Form) -> Vec<SettingInput> {
    let entered = |setting: &Setting| {
        let text = form.text(setting.name);
        input(&setting.kind, text, text == "yes")
    };
    SETTINGS.iter().map(entered).collect()
}

fn input(kind: &SettingKind, text: &str, is_true: bool) -> SettingInput {
    match kind {
        SettingKind::Flag => SettingInput::Flag(is_true),
        SettingKind::Lines => SettingInput::Lines(Field::of(text)),
        SettingKind::One(values) => {
            let choice = |value: &&str| Choice {
                value: (*value).to_owned(),
                label: (*value).to_owned(),
                is_chosen: *value == text,
            };
            SettingInput::One(values.iter().map(choice).collect())
        }
        SettingKind::Number | SettingKind::NumberOrNone | SettingKind::Text | SettingKind::TextOrNone => {
            SettingInput::Text(Field::of(text))
        }
    }
}

/// What an input means; `None`: it is no number and should be one.
fn value(setting: &Setting, input: &SettingInput) -> Option<Value> {
    let number = |text: &str| text.parse::<i64>().ok().map(Value::from);
    match (input, &setting.kind) {
        (SettingInput::Flag(is_checked), _) => Some(Value::Bool(*is_checked)),
        (SettingInput::One(choices), _) => {
            let chosen = choices.iter().find(|choice| choice.is_chosen);
            Some(chosen.map_or(Value::Null, |choice| Value::from(choice.value.as_str())))
        }
        (SettingInput::Lines(field), _) => {
            let lines = field.value.lines().map(str::trim).filter(|line| !line.is_empty());
            Some(lines.map(Value::from).collect())
        }
        (SettingInput::Text(field), SettingKind::NumberOrNone | SettingKind::TextOrNone)
            if field.value.is_empty() =>
        {
            Some(Value::Null)
        }
        (SettingInput::Text(field), SettingKind::Number | SettingKind::NumberOrNone) => number(&field.value),
        (SettingInput::Text(field), _) => Some(Value::from(field.value.as_str())),
    }
}

/// Puts a value where a path with dots leads.
fn put(document: &mut Value, path: &str, value: Value) {
    let member = path.split('.').fold(document, |section, name| &mut section[name]);
    *member = value;
}

fn place<'a>(inputs: &'a mut [SettingInput], name: &str) -> Option<&'a mut SettingInput> {
    let at = SETTINGS.iter().position(|setting| setting.name == name)?;
    inputs.get_mut(at).filter(|input| matches!(input, SettingInput::Text(_) | SettingInput::Lines(_)))
}

fn note(input: &mut SettingInput, wrong: &str) {
    match input {
        SettingInput::Text(field) | SettingInput::Lines(field) => wrong.clone_into(&mut field.error),
        SettingInput::Flag(_) | SettingInput::One(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::RequestSource;
    use jeton_service::AppSettings;

    /// What `setting` may be, where the document's schema lists it.
    fn listed(setting: &Setting) -> Option<Vec<String>> {
        let schema: Value =
            serde_json::from_str(include_str!("../../../../docs/openapi/schemas/settings.json")).unwrap();
        let mut section = &schema;
        for name in setting.name.split('.') {
            section = &section["properties"][name];
            if let Some(at) = section["$ref"].as_str() {
                section = schema.pointer(at.strip_prefix('#').unwrap()).unwrap();
            }
        }
        let values = section["enum"].as_array()?.iter();
        Some(values.map(|value| value.as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_form_that_nobody_touched_changes_nothing() {
        let mut documents = vec![print_settings(&AppSettings::default())];
        let mut lists = 0;
        for setting in SETTINGS {
            let SettingKind::One(values) = &setting.kind else { continue };
            let sources = RequestSource::ALL.map(|source| source.name().to_owned());
            assert_eq!(*values, listed(setting).unwrap_or_else(|| sources.into()), "{}", setting.name);
            for value in *values {
                let mut document = documents[0].clone();
                put(&mut document, setting.name, Value::from(*value));
                documents.push(document);
            }
            lists += 1;
        }
        assert_eq!(lists, 6);
        for document in documents {
            for (setting, input) in SETTINGS.iter().zip(inputs(&document)) {
                let held = document.pointer(&format!("/{}", setting.name.replace('.', "/"))).unwrap();
                assert_eq!(value(setting, &input).as_ref(), Some(held), "{}", setting.name);
            }
        }
    }
}
