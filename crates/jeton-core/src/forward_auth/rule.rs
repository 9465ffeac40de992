//! Rules that map the original request to a demand.

use super::{is_token, path};
use crate::decide::{Demand, Resource};
use crate::scope::{MAX_NAME_CHARS, Permission};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// At most this many tags in a rule or a named demand.
pub const MAX_RULE_TAGS: usize = 16;
/// At most this many bytes in the path of a rule.
pub const MAX_RULE_PATH_BYTES: usize = 1_024;

/// One rule: the requests that it matches, by method and path, and what they demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRule {
    method: MethodPattern,
    path: PathPattern,
    permission: Option<RulePermission>,
    id: Option<Template>,
    tags: Vec<Template>,
}

/// Why a rule is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The method is neither `*` nor the name of one.
    #[error("a method is * or a name such as GET")]
    Method,
    /// The path is not a pattern.
    #[error(
        "a path begins with a slash and is in its normal form, with variables such as {{id}} for whole segments, each of its own \
         name, and perhaps {{*rest}} at its end"
    )]
    Path,
    /// The path has more than [`MAX_RULE_PATH_BYTES`].
    #[error("a path has at most 1024 bytes")]
    LongPath,
    /// An id or a tag that is empty, too long, or contains braces that name no variable of the path.
    #[error(
        "an id or a tag is a text of 1 to 255 characters, in which {{name}} stands for a variable of the path"
    )]
    Template,
    /// There are more than [`MAX_RULE_TAGS`] tags.
    #[error("there are at most 16 tags")]
    Tags,
    /// An id or a tag without a permission.
    #[error("an id or tags need a permission")]
    PermissionMissing,
}

/// The methods that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MethodPattern {
    Any,
    /// This one, in upper case.
    Only(String),
}

/// What a rule demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulePermission {
    /// By the method: `read` for GET, HEAD and OPTIONS, `delete` for DELETE, else `write`.
    ByMethod,
    /// Always this one.
    Named(Permission),
}

/// The paths that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PathPattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Exactly this text.
    Literal(String),
    /// Any text that is not empty.
    Variable(String),
    /// The rest of the path, which is not empty.
    Rest(String),
}

/// A text with variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

/// The values of the variables of a path.
type Values<'a> = Vec<(&'a str, Cow<'a, str>)>;

impl RouteRule {
    /// Parses the members of a rule in the settings.
    ///
    /// # Errors
    /// The first member that is not valid.
    pub fn new(
        method: &str,
        path: &str,
        permission: Option<RulePermission>,
        id: Option<&str>,
        tags: &[String],
    ) -> Result<Self, RuleError> {
        if permission.is_none() && (id.is_some() || !tags.is_empty()) {
            return Err(RuleError::PermissionMissing);
        }
        if tags.len() > MAX_RULE_TAGS {
            return Err(RuleError::Tags);
        }
        let path: PathPattern = path.parse()?;
        let template = |text: &str| Template::new(text, &path);
        let id = id.map(template).transpose()?;
        let tags = tags.iter().map(|tag| template(tag)).collect::<Result<_, _>>()?;
        Ok(RouteRule { method: method.parse()?, path, permission, id, tags })
    }

    /// `*`, or the name of a method.
    pub fn method(&self) -> &str {
        match &self.method {
            MethodPattern::Any => "*",
            MethodPattern::Only(name) => name,
        }
    }

    /// The pattern as text.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// The permission that it demands; `None`: the token must only be active.
    pub fn permission(&self) -> Option<&RulePermission> {
        self.permission.as_ref()
    }

    /// The id of the resource as text.
    pub fn id(&self) -> Option<String> {
        self.id.as_ref().map(ToString::to_string)
    }

    /// The tags of the resource as text.
    pub fn tags(&self) -> impl Iterator<Item = String> {
        self.tags.iter().map(ToString::to_string)
    }

    /// What a request demands, given its method in upper case and the segments of its path; `None`: the rule
    /// does not match.
    pub(super) fn demand(&self, method: &str, segments: &[Cow<'_, str>]) -> Option<Demand> {
        if matches!(&self.method, MethodPattern::Only(name) if name != method) {
            return None;
        }
        let values = self.path.matched(segments)?;
        let Some(permission) = &self.permission else { return Some(Demand::Active) };
        let permission = permission.of(method);
        let id = self.id.as_ref().map(|id| id.filled(&values));
        let tags = self.tags.iter().map(|tag| tag.filled(&values)).collect();
        Some(Demand::Permission { permission, resource: Resource::named(id, tags) })
    }
}

impl RulePermission {
    fn of(&self, method: &str) -> Permission {
        match self {
            RulePermission::Named(permission) => permission.clone(),
            RulePermission::ByMethod => Permission::by_method(method),
        }
    }
}

impl FromStr for MethodPattern {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        // Method names are tokens, too.
        if text == "*" {
            return Ok(MethodPattern::Any);
        }
        // Methods are case-sensitive (RFC 9110 section 9.1), but a lower-case name in a rule is surely meant
        // as upper case.
        if is_token(text) {
            Ok(MethodPattern::Only(text.to_ascii_uppercase()))
        } else {
            Err(RuleError::Method)
        }
    }
}

impl PathPattern {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Variable(name) | Segment::Rest(name) => Some(name.as_str()),
        })
    }

    fn matched<'a>(&'a self, segments: &'a [Cow<'_, str>]) -> Option<Values<'a>> {
        let mut values = Vec::new();
        let mut left = segments;
        for segment in &self.0 {
            let (first, others) = left.split_first()?;
            match segment {
                Segment::Literal(text) if text == first => {}
                Segment::Variable(name) if !first.is_empty() => {
                    values.push((name.as_str(), Cow::Borrowed(&**first)));
                }
                Segment::Rest(name) if !first.is_empty() || !others.is_empty() => {
                    values.push((name.as_str(), Cow::Owned(left.join("/"))));
                    return Some(values);
                }
                Segment::Literal(_) | Segment::Variable(_) | Segment::Rest(_) => return None,
            }
            left = others;
        }
        left.is_empty().then_some(values)
    }
}

impl FromStr for PathPattern {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_RULE_PATH_BYTES {
            return Err(RuleError::LongPath);
        }
        // With some text in place of each variable, the path must be one that a request could have.
        let parts = text.strip_prefix('/').ok_or(RuleError::Path)?.split('/');
        let segments = parts.map(Segment::read).collect::<Option<Vec<_>>>().ok_or(RuleError::Path)?;
        let (_, inner) = segments.split_last().ok_or(RuleError::Path)?;
        let is_inner = |segment: &Segment| match segment {
            Segment::Literal(text) => !text.is_empty(),
            Segment::Variable(_) => true,
            Segment::Rest(_) => false,
        };
        let pattern = PathPattern(segments.clone());
        let mut names: Vec<&str> = pattern.names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if inner.iter().all(is_inner) && names.len() == count { Ok(pattern) } else { Err(RuleError::Path) }
    }
}

impl Segment {
    fn read(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            return match name.strip_prefix('*') {
                Some(name) => is_name(name).then(|| Segment::Rest(name.to_owned())),
                None => is_name(name).then(|| Segment::Variable(name.to_owned())),
            };
        }
        // This is meant as any text, which a variable expresses.
        let is_wildcard = matches!(text, "*" | "**");
        Some(Segment::Literal(path::segment(text).filter(|_| !is_wildcard)?.into_owned()))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{}", path::Encoded(text)),
            Segment::Variable(name) => write!(f, "/{{{name}}}"),
            Segment::Rest(name) => write!(f, "/{{*{name}}}"),
        })
    }
}

impl Template {
    fn new(text: &str, path: &PathPattern) -> Result<Self, RuleError> {
        if text.is_empty() || text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
            return Err(RuleError::Template);
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(RuleError::Template)?;
            if !path.names().any(|known| known == name) || before.contains('}') {
                return Err(RuleError::Template);
            }
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(RuleError::Template);
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        Ok(Template(pieces))
    }

    fn filled(&self, values: &Values<'_>) -> String {
        self.0.iter().fold(String::new(), |mut filled, piece| {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                // Every name was checked when the rule was parsed.
                Piece::Variable(name) => {
                    values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
                }
            });
            filled
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Variable(name) => write!(f, "{{{name}}}"),
        })
    }
}

/// Whether this is a valid name of a variable.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
