//! What the form of a token holds: of one that there is, as it was entered, and what it means.

use super::limits_input::{self, Limited};
use super::token_refusal::draft_refused;
use crate::browser::error::PageError;
use crate::browser::form::{Form, in_full, noted};
use crate::transport::instant::rfc3339;
use jeton_console::pages::{
    BoundsInput, COMMON_PERMISSIONS, LimitsInput, PermissionInput, ScopeInput, TokenForm,
};
use jeton_console::{Choice, Field, Language};
use jeton_core::{
    AllowedAddresses, Bounds, Description, Label, Lifetime, Permission, Scope, Scopes, Timestamp, Token,
    TokenKind, UserId,
};
use jeton_service::{
    DraftError, ScopeDraft, addresses_of, description, end_of_token, instant, label, lifetime_of_days,
    scopes_of,
};

/// Days for which a token can be chosen to live.
const DAYS: [u32; 5] = [1, 7, 30, 90, 365];
const NEVER: &str = "never";
const UNTIL: &str = "until";
/// Scopes that take more bytes than this are none for a form: the answer would be larger than what is read.
const MOST_BYTES: usize = 20_000;

/// What a form says of a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entered {
    pub(super) title: Option<String>,
    pub(super) user_id: Option<UserId>,
    pub(super) tags: Option<String>,
    pub(super) description: Option<String>,
    /// `None`: they stay as they are.
    pub(super) allowed: Option<Allowed>,
    /// `None`: as it is, or as the app decides.
    pub(super) lifetime: Option<Lifetime>,
    /// `None`: they stay as they are.
    pub(super) bounds: Option<Bounded>,
    /// `None`: they stay as they are.
    pub(super) limits: Option<Limited>,
}

/// What a form says of when and where a token may be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bounded {
    /// From when; `None`: at once.
    pub(super) not_before: Option<Timestamp>,
    /// Addresses and blocks of them; empty: from everywhere.
    pub(super) addresses: Vec<String>,
}

/// What a form says that a token may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Allowed {
    /// On everything; separated by commas.
    pub(super) permissions: String,
    /// Besides.
    pub(super) scopes: Vec<ScopeDraft>,
}

impl Allowed {
    /// Both as the use cases take them: what is empty is not said.
    pub(super) fn said(self) -> (Option<String>, Option<Vec<ScopeDraft>>) {
        let Allowed { permissions, scopes } = self;
        (
            Some(permissions).filter(|names| !names.is_empty()),
            Some(scopes).filter(|scopes| !scopes.is_empty()),
        )
    }

    pub(super) fn scopes(&self) -> Result<Scopes, DraftError> {
        scopes_of(Some(&self.permissions), &self.scopes)
    }
}

/// The form of a new token.
pub(super) fn blank(language: Language) -> TokenForm {
    TokenForm {
        scopes: Some(vec![ScopeInput::default()]),
        lifetime: lifetimes("", language.token_lifetime_default(), language),
        bounds: Some(BoundsInput::default()),
        limits: Some(LimitsInput::default()),
        ..TokenForm::default()
    }
}

/// The form of a token that there is, with so many uses left.
pub(super) fn of_token(token: &Token, uses_left: Option<u64>, language: Language) -> TokenForm {
    let text = |label: &Option<Label>| Field::of(label.as_ref().map_or("", Label::as_str));
    let (permissions, scopes) = inputs(&token.spec.scopes);
    TokenForm {
        title: text(&token.spec.title),
        tags: text(&token.spec.tags),
        description: Field::of(token.spec.description.as_ref().map_or("", Description::as_str)),
        permissions,
        scopes,
        lifetime: lifetimes("", language.token_lifetime_keep(), language),
        bounds: Some(bounds_input(&token.spec.bounds)),
        // Others have none.
        limits: (token.spec.kind == TokenKind::Grant)
            .then(|| limits_input::of_token(&token.spec.limits, uses_left)),
        ..TokenForm::default()
    }
}

fn bounds_input(bounds: &Bounds) -> BoundsInput {
    let blocks = bounds.allowed_addresses.iter().flat_map(AllowedAddresses::blocks);
    BoundsInput {
        not_before: Field::of(bounds.not_before.map(rfc3339).unwrap_or_default()),
        addresses: Field::of(blocks.map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// Scopes as a form has them: what is allowed on everything, and the others. `None`: a form would say something else.
fn inputs(scopes: &Scopes) -> (PermissionInput, Option<Vec<ScopeInput>>) {
    let global: Vec<Permission> = scopes.global_permissions().into_iter().cloned().collect();
    let permissions = permission_input(&global);
    let narrow = || scopes.as_slice().iter().filter(|scope| !scope.global);
    let names = |scope: &Scope| scope.ids.iter().chain(&scope.tags).map(|name| name.len() + 1).sum::<usize>();
    if narrow().map(names).sum::<usize>() > MOST_BYTES {
        return (permissions, None);
    }
    let inputs: Vec<ScopeInput> = narrow()
        .map(|scope| ScopeInput {
            permissions: permission_input(&scope.permissions),
            ids: Field::of(scope.ids.join("\n")),
            tags: Field::of(scope.tags.join("\n")),
        })
        .collect();
    let said = allowed(&permissions, &inputs).scopes();
    let is_same = said.ok().is_some_and(|said| Ok(said) == scopes.with_global_permissions(global));
    (permissions, is_same.then_some(inputs))
}

fn permission_input(names: &[Permission]) -> PermissionInput {
    let has = |name: &str| names.iter().any(|held| held.as_str() == name);
    let others = names.iter().map(Permission::as_str).filter(|name| !COMMON_PERMISSIONS.contains(name));
    let others = Field::of(others.collect::<Vec<_>>().join(", "));
    PermissionInput { common: COMMON_PERMISSIONS.map(has), others }
}

fn lifetimes(chosen: &str, default: &str, language: Language) -> Vec<Choice> {
    let choice = |value: String, label: String| Choice { is_chosen: value == chosen, value, label };
    let mut choices = vec![choice(String::new(), default.to_owned())];
    choices.extend(DAYS.map(|days| {
        let span = language.days(days.into());
        choice(days.to_string(), language.token_lifetime_in(span))
    }));
    choices.push(choice(NEVER.to_owned(), language.never_expires().to_owned()));
    choices.push(choice(UNTIL.to_owned(), language.token_lifetime_until().to_owned()));
    choices
}

/// What was entered, with as many scopes as were shown, and one more if that is what was asked for.
pub(super) fn entered(
    form: &Form,
    default: &str,
    most_scopes: usize,
    language: Language,
) -> Result<TokenForm, PageError> {
    let field = |name: &str| Field::of(form.text(name));
    let scopes = match form.given("scopes") {
        None => None,
        Some(count) => {
            let count: Option<usize> = count.parse().ok().filter(|count| *count <= most_scopes);
            let count = count.ok_or(PageError::Request)?;
            let more = usize::from(is_to_grow(form) && count < most_scopes);
            Some((0..count + more).map(|place| scope_input(form, &ScopeInput::prefix(place))).collect())
        }
    };
    Ok(TokenForm {
        title: field("title"),
        user_id: field("user_id"),
        tags: field("tags"),
        description: field("description"),
        permissions: permissions_entered(form, ""),
        scopes,
        lifetime: lifetimes(form.text("lifetime"), default, language),
        expires_at: field("expires_at"),
        // A form without it, as from a page of before, takes no bounds away.
        bounds: form
            .all("addresses")
            .next()
            .map(|_| BoundsInput { not_before: field("not_before"), addresses: field("addresses") }),
        limits: limits_input::entered(form),
        error: String::new(),
    })
}

/// Whether another scope is asked for, and nothing is to be done yet.
pub(super) fn is_to_grow(form: &Form) -> bool {
    form.given("add").is_some()
}

fn scope_input(form: &Form, prefix: &str) -> ScopeInput {
    let field = |name: &str| Field::of(form.text(&format!("{prefix}{name}")));
    ScopeInput { permissions: permissions_entered(form, prefix), ids: field("ids"), tags: field("tags") }
}

fn permissions_entered(form: &Form, prefix: &str) -> PermissionInput {
    PermissionInput {
        common: COMMON_PERMISSIONS.map(|name| form.text(&format!("{prefix}{name}")) == "yes"),
        others: Field::of(form.text(&format!("{prefix}others"))),
    }
}

/// What that means at this instant; `None`: some of it makes no sense, which its field says then.
pub(super) fn read(input: &mut TokenForm, now: Timestamp, language: Language) -> Option<Entered> {
    // Browsers end lines in two characters, whatever ended them before.
    let given = |field: &Field| {
        let text = field.value.replace("\r\n", "\n").trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    let too_long = language.text_too_long();
    let title = given(&input.title);
    let is_title = noted(&mut input.title, label("title", title.clone()), too_long).is_some();
    let tags = given(&input.tags);
    let are_tags = noted(&mut input.tags, label("tags", tags.clone()), too_long).is_some();
    let text = given(&input.description);
    let is_text =
        noted(&mut input.description, description(text.clone()), language.wrong_description()).is_some();
    let user = given(&input.user_id).map(|text| text.parse::<UserId>()).transpose();
    let user_id = noted(&mut input.user_id, user, language.app_admin_user_wrong());
    let allowed = allowed_of(input, language);
    let lifetime = lifetime(input, now, language);
    let bounds = input.bounds.as_mut().map(|input| bounded(input, language)).transpose();
    let limits =
        input.limits.as_mut().map(|input| limits_input::read(input, language).ok_or(Wrong)).transpose();
    let is_sound = is_title && are_tags && is_text;
    let read = (user_id, allowed, lifetime, bounds, limits, is_sound);
    let (Some(user_id), Ok(allowed), Some(lifetime), Ok(bounds), Ok(limits), true) = read else {
        return None;
    };
    Some(Entered { title, user_id, tags, description: text, allowed, lifetime, bounds, limits })
}

/// It makes no sense, which a field says.
struct Wrong;

fn bounded(input: &mut BoundsInput, language: Language) -> Result<Bounded, Wrong> {
    let begins = Some(in_full(&input.not_before.value)).filter(|text| !text.is_empty());
    let begins = begins.map(|text| instant("not_before", &text)).transpose();
    let not_before = noted(&mut input.not_before, begins, language.token_expires_at_wrong());
    let addresses = lines(&input.addresses);
    let list = addresses_of(&addresses);
    let is_list = noted(&mut input.addresses, list, language.token_addresses_wrong()).is_some();
    match not_before {
        Some(not_before) if is_list => Ok(Bounded { not_before, addresses }),
        Some(_) | None => Err(Wrong),
    }
}

fn allowed_of(input: &mut TokenForm, language: Language) -> Result<Option<Allowed>, Wrong> {
    let Some(scopes) = &mut input.scopes else { return Ok(None) };
    let all = std::iter::once(&mut input.permissions);
    let mut is_sound = true;
    for permissions in all.chain(scopes.iter_mut().map(|scope| &mut scope.permissions)) {
        let names = Permission::parse_list(&permissions.others.value);
        is_sound &= noted(&mut permissions.others, names, language.wrong_permission()).is_some();
    }
    if !is_sound {
        return Err(Wrong);
    }
    let allowed = allowed(&input.permissions, scopes);
    match allowed.scopes() {
        Ok(_) => Ok(Some(allowed)),
        Err(error) => {
            input.error = draft_refused(error, language);
            Err(Wrong)
        }
    }
}

/// What is allowed; a scope of which nothing is entered is none.
fn allowed(permissions: &PermissionInput, scopes: &[ScopeInput]) -> Allowed {
    let scopes = scopes.iter().map(|scope| ScopeDraft {
        permissions: names(&scope.permissions),
        global: false,
        ids: lines(&scope.ids),
        tags: lines(&scope.tags),
    });
    let scopes = scopes.filter(|scope| *scope != ScopeDraft::default());
    Allowed { permissions: names(permissions).join(","), scopes: scopes.collect() }
}

fn lines(field: &Field) -> Vec<String> {
    let lines = field.value.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn names(input: &PermissionInput) -> Vec<String> {
    let common = COMMON_PERMISSIONS.into_iter().zip(input.common).filter(|(_, is_held)| *is_held);
    let mut names: Vec<String> = common.map(|(name, _)| name.to_owned()).collect();
    for other in input.others.value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !names.iter().any(|name| name == other) {
            names.push(other.to_owned());
        }
    }
    names
}

/// How long it is to live; `None`: that makes no sense.
fn lifetime(input: &mut TokenForm, now: Timestamp, language: Language) -> Option<Option<Lifetime>> {
    let chosen = input.lifetime.iter().find(|choice| choice.is_chosen).map(|choice| choice.value.clone());
    let has_end = !input.expires_at.value.is_empty();
    match chosen.as_deref() {
        Some(UNTIL) => until(input, now, language).map(Some),
        // Whoever enters a time and chooses nothing means it.
        Some("") if has_end => until(input, now, language).map(Some),
        Some(_) if has_end => {
            language.token_expires_at_unmeant().clone_into(&mut input.expires_at.error);
            None
        }
        Some(NEVER) => Some(Some(Lifetime::Unlimited)),
        Some(days) => lifetime_of_days(days.parse().ok()).ok(),
        None => {
            language.wrong_days().clone_into(&mut input.error);
            None
        }
    }
}

fn until(input: &mut TokenForm, now: Timestamp, language: Language) -> Option<Lifetime> {
    let read = end_of_token(&in_full(&input.expires_at.value));
    let end = noted(&mut input.expires_at, read, language.token_expires_at_wrong())?;
    match end {
        None => Some(Lifetime::Unlimited),
        Some(end) if end > now => Some(Lifetime::Until(end)),
        Some(_) => {
            language.token_expires_at_past().clone_into(&mut input.expires_at.error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Language = Language::English;
    const NOW: Timestamp = Timestamp::from_millis(0).unwrap();

    fn form(text: &str) -> Form {
        Form::read(text.as_bytes()).unwrap()
    }

    fn entered_as(text: &str) -> TokenForm {
        entered(&form(text), "", 64, ENGLISH).unwrap()
    }

    fn read_as(text: &str) -> Option<Entered> {
        read(&mut entered_as(text), NOW, ENGLISH)
    }

    #[test]
    fn what_is_entered_is_understood() {
        let text = "title=ci&user_id=7&read=yes&others=list,+read&scopes=2&scope.0.write=yes\
                    &scope.0.ids=a%0D%0A+b+%0D%0A&scope.1.tags=&lifetime=7";
        let entered = read_as(text).unwrap();
        assert_eq!((entered.title.as_deref(), entered.user_id), (Some("ci"), Some(UserId::from_integer(7))));
        let allowed = entered.allowed.unwrap();
        let write = ScopeDraft {
            permissions: vec!["write".to_owned()],
            ids: vec!["a".to_owned(), "b".to_owned()],
            ..ScopeDraft::default()
        };
        assert_eq!(allowed, Allowed { permissions: "read,list".to_owned(), scopes: vec![write] });
        assert_eq!(entered.lifetime, Some(Lifetime::days(7)));
        let nothing = read_as("scopes=1").unwrap();
        assert_eq!(nothing.allowed.unwrap().said(), (None, None));
        assert_eq!((nothing.title, nothing.lifetime, nothing.bounds), (None, None, None));
        let bounds = read_as("not_before=1970-01-02&addresses=10.0.0.0/8%0D%0A::1").unwrap().bounds.unwrap();
        assert_eq!(bounds.not_before, Timestamp::from_millis(86_400_000));
        assert_eq!(bounds.addresses, ["10.0.0.0/8", "::1"]);
        let shown = read_as("title=x&description=+a%0D%0Ab").unwrap();
        assert_eq!(
            (shown.allowed, shown.description.as_deref()),
            (None, Some("a\nb")),
            "what is not shown stays"
        );
    }

    #[test]
    fn an_end_is_said_in_one_way() {
        let lifetime = |text: &str| read_as(text).map(|entered| entered.lifetime);
        let until = |millis| Some(Some(Lifetime::Until(Timestamp::from_millis(millis).unwrap())));
        assert_eq!(lifetime("lifetime=never"), Some(Some(Lifetime::Unlimited)));
        assert_eq!(lifetime("lifetime=until&expires_at=1970-01-02"), until(86_400_000));
        assert_eq!(lifetime("expires_at=1970-01-01T01:00:00%2B00:59"), until(60_000));
        assert_eq!(lifetime("expires_at=9999-12-31"), Some(Some(Lifetime::Unlimited)));
        for wrong in [
            "lifetime=until",
            "lifetime=until&expires_at=soon",
            "expires_at=1970-01-01",
            "lifetime=7&expires_at=1970-01-02",
            "lifetime=forever",
        ] {
            assert_eq!(lifetime(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_at_its_field() {
        let mut input = entered_as(
            "title=%00&tags=%00&description=%00&user_id=%01&others=a+b&scopes=1&scope.0.others=c;d",
        );
        assert_eq!(read(&mut input, NOW, ENGLISH), None);
        let scope = &input.scopes.as_ref().unwrap()[0];
        for field in [
            &input.title,
            &input.tags,
            &input.description,
            &input.user_id,
            &input.permissions.others,
            &scope.permissions.others,
        ] {
            assert!(!field.error.is_empty(), "{input:#?}");
        }
        let mut input = entered_as(&format!("scopes=1&scope.0.read=yes&scope.0.ids={}", "x".repeat(256)));
        assert_eq!(read(&mut input, NOW, ENGLISH), None);
        assert_eq!(input.error, "A permission, an id or a tag has 1 to 255 characters.");
        assert!(entered(&form("scopes=65"), "", 64, ENGLISH).is_err());
        let mut input = entered_as("not_before=soon&addresses=10.0.0.1/8");
        assert_eq!(read(&mut input, NOW, ENGLISH), None);
        let BoundsInput { not_before, addresses } = input.bounds.unwrap();
        assert!(!not_before.error.is_empty() && !addresses.error.is_empty());
    }

    #[test]
    fn a_form_that_nobody_touched_says_what_there_is() {
        let scope = |permissions: &str, ids: &[&str]| Scope {
            permissions: permissions.split(',').map(|name| Permission::held(name).unwrap()).collect(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Scope::default()
        };
        let global = |names: &str| Scope::global(Permission::parse_list(names).unwrap());
        for scopes in [vec![], vec![global("read,list")], vec![scope("write", &["a b", "c,d"]), global("x")]]
        {
            let scopes = Scopes::new(scopes).unwrap();
            let (permissions, inputs) = inputs(&scopes);
            let said = allowed(&permissions, &inputs.unwrap()).scopes().unwrap();
            assert_eq!(said.global_permissions(), scopes.global_permissions());
            assert_eq!(said.any_narrow(), scopes.any_narrow());
        }
        let large = vec!["x".repeat(200); 200];
        for other in [
            scope("read", &["a\nb"]),
            scope("read", &[" a"]),
            scope("read write", &["a"]),
            Scope { ids: large, ..scope("read", &[]) },
            Scope::default(),
        ] {
            let scopes = Scopes::new(vec![other]).unwrap();
            assert!(inputs(&scopes).1.is_none(), "{scopes:?}");
        }
    }
}
