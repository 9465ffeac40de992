use crate::{Choice, Field, Frame};
use askama::Template;

/// Permissions that have a box of their own.
pub const COMMON_PERMISSIONS: [&str; 3] = ["read", "write", "delete"];

/// Where a token is made or changed.
#[derive(Debug, Template)]
#[template(path = "token_form.html")]
pub struct TokenFormPage<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The app.
    pub key: &'a str,
    /// The number of the token; `None`: it is a new one.
    pub id: Option<i64>,
    /// When it was changed last, in milliseconds: a form changes nothing that was changed since.
    pub version: String,
    /// What was entered.
    pub form: TokenForm,
}

/// What was entered about a token.
#[derive(Clone, Debug, Default)]
pub struct TokenForm {
    /// Its name.
    pub title: Field,
    /// Whose it is. Only of a new one.
    pub user_id: Field,
    /// Free text for finding it.
    pub tags: Field,
    /// Free text.
    pub description: Field,
    /// What it may do on everything.
    pub permissions: PermissionInput,
    /// What it may do besides; `None`: more than a form can hold, which stays.
    pub scopes: Option<Vec<ScopeInput>>,
    /// How long it lives.
    pub lifetime: Vec<Choice>,
    /// Until when.
    pub expires_at: Field,
    /// From when and from where it may be used; `None`: that stays.
    pub bounds: Option<BoundsInput>,
    /// How often it may be used; `None`: that stays.
    pub limits: Option<LimitsInput>,
    /// What is wrong with it as a whole; empty: nothing.
    pub error: String,
}

/// From when and from where a token may be used.
#[derive(Clone, Debug, Default)]
pub struct BoundsInput {
    /// From when; empty: at once.
    pub not_before: Field,
    /// From which addresses and blocks of them, one on each line; empty: from all.
    pub addresses: Field,
}

/// How often a token may be used.
#[derive(Clone, Debug, Default)]
pub struct LimitsInput {
    /// How often in all; empty: any number of times.
    pub uses: Field,
    /// What that field held when it was shown: what nobody touched starts no new count.
    pub uses_shown: String,
    /// How often in a time, one rate on each line; empty: any number of times.
    pub rates: Field,
}

/// Permissions: some by boxes, others by name.
#[derive(Clone, Debug, Default)]
pub struct PermissionInput {
    /// Which of [`COMMON_PERMISSIONS`].
    pub common: [bool; COMMON_PERMISSIONS.len()],
    /// Others, with commas between.
    pub others: Field,
}

/// Permissions on some resources.
#[derive(Clone, Debug, Default)]
pub struct ScopeInput {
    /// What is allowed.
    pub permissions: PermissionInput,
    /// On those with these ids, one on each line.
    pub ids: Field,
    /// On those that bear all of these tags, one on each line.
    pub tags: Field,
}

/// A box for one permission.
struct PermissionBox {
    field: String,
    name: &'static str,
    is_checked: bool,
}

/// A scope with the names of its fields.
struct Part<'a> {
    legend: String,
    prefix: String,
    others: String,
    ids: String,
    tags: String,
    input: &'a ScopeInput,
}

impl PermissionInput {
    fn boxes(&self, prefix: &str) -> Vec<PermissionBox> {
        let boxes = COMMON_PERMISSIONS.into_iter().zip(self.common);
        let of = |(name, is_checked)| PermissionBox { field: format!("{prefix}{name}"), name, is_checked };
        boxes.map(of).collect()
    }
}

impl ScopeInput {
    /// What the names of the fields begin with of the scope at this place, from 0.
    pub fn prefix(place: usize) -> String {
        format!("scope.{place}.")
    }
}

impl TokenFormPage<'_> {
    fn heading(&self) -> String {
        let language = self.frame.language;
        self.id.map_or_else(|| language.token_new().to_owned(), |id| language.token_edit_title(id))
    }

    fn action(&self) -> String {
        let app = format!("/console/apps/{}", self.key);
        self.id.map_or_else(|| format!("{app}/new-token"), |id| format!("{app}/tokens/{id}/edit"))
    }

    fn back(&self) -> String {
        let tokens = format!("/console/apps/{}/tokens", self.key);
        self.id.map_or_else(|| tokens.clone(), |id| format!("{tokens}/{id}"))
    }

    fn back_name(&self) -> String {
        let language = self.frame.language;
        self.id.map_or_else(|| language.tokens_of(self.key), |id| language.token_named(id))
    }

    fn button(&self) -> &'static str {
        let language = self.frame.language;
        if self.id.is_some() { language.token_save() } else { language.token_create() }
    }

    fn uses_hint(&self) -> &'static str {
        let language = self.frame.language;
        if self.id.is_some() { language.token_uses_change_hint() } else { language.token_uses_hint() }
    }

    fn count_of_scopes(&self) -> usize {
        self.form.scopes.as_ref().map_or(0, Vec::len)
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let scopes = self.form.scopes.iter().flatten().enumerate();
        let part = |(place, input)| {
            let prefix = ScopeInput::prefix(place);
            let [others, ids, tags] = ["others", "ids", "tags"].map(|name| format!("{prefix}{name}"));
            let legend = self.frame.language.token_scope_number(place + 1);
            Part { legend, prefix, others, ids, tags, input }
        };
        scopes.map(part).collect()
    }
}
