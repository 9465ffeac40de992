//! Requests of verification. Bodies are JSON whatever their content type, as `curl -d` sends it under that of forms.

use super::error::VerifyError;
use super::wire::{BodyInput, CheckInput, LooseBodyInput, MAX_TAGS};
use crate::transport::body::without_bom;
use crate::transport::members::unknown;
use crate::transport::object::Object;
use jeton_core::{Demand, Permission, PermissionError, PermissionMissing, Resource, Secret};
use jeton_service::Check;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::net::IpAddr;

/// A parsed body.
pub(super) enum Question {
    /// A single check.
    One(Check),
    /// A batch.
    Many(Batch),
}

/// The checks of a batch, with the invalid ones separate.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) checks: Vec<Check>,
    /// Each with its index in the batch, ascending.
    pub(super) errors: Vec<(usize, CheckError)>,
}

/// Why a check is not valid. The texts quote nothing of it: it may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CheckError {
    /// It does not have the right form.
    Form,
    /// It has a member that checks do not have: the message.
    Unknown(Box<str>),
    /// The demanded permission is not valid.
    Permission(PermissionError),
    /// A resource without a permission.
    Resource,
    /// More tags than any scope has.
    Tags,
    /// The client's address is none.
    Address,
}

impl CheckError {
    pub(super) fn message(&self) -> String {
        match self {
            CheckError::Form => "a check is an object: token (text), permission (text), resource (object of id (text) and tags \
                             (array of texts)), address (text), explain (true or false); all but token may be left out"
                .to_owned(),
            CheckError::Unknown(text) => text.to_string(),
            CheckError::Permission(error) => error.to_string(),
            CheckError::Resource => "a resource is named together with a permission".to_owned(),
            CheckError::Tags => format!("a resource has at most {MAX_TAGS} tags"),
            CheckError::Address => {
                "address is the IP address of the client that presented the token, without a port".to_owned()
            }
        }
    }
}

/// The approximate number of checks in a body, without parsing it: each names its token.
pub(super) fn about_how_many(body: &[u8]) -> u64 {
    let name = b"\"token\"";
    body.windows(name.len()).filter(|window| window == name).count().try_into().unwrap_or(u64::MAX)
}

/// Parses the body.
pub(super) fn questions(body: &[u8]) -> Result<Question, VerifyError> {
    let body = without_bom(body);
    let Ok(Object(whole)) = serde_json::from_slice::<Object<BodyInput<'_>>>(body) else {
        return one_by_one(body);
    };
    match whole.checks {
        None => {
            let BodyInput { token, permission, resource, address, explain, checks: _ } = whole;
            let token = token.ok_or(VerifyError::Check(CheckError::Form))?;
            let check = CheckInput { token, permission, resource, address, explain };
            check.read().map(Question::One).map_err(VerifyError::Check)
        }
        Some(_) if whole.token.is_some() || whole.permission.is_some() => Err(VerifyError::Both),
        Some(_) if whole.resource.is_some() || whole.explain.is_some() => Err(VerifyError::Both),
        Some(_) if whole.address.is_some() => Err(VerifyError::Both),
        Some(checks) if checks.is_cut => Err(VerifyError::TooMany),
        Some(checks) => Ok(Question::Many(Batch::of(checks.items.into_iter().map(|check| check.0.read())))),
    }
}

/// Parses a body in which something is wrong: parsing it in one go failed, and if it is a batch, the other
/// checks must not suffer.
fn one_by_one(body: &[u8]) -> Result<Question, VerifyError> {
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return Err(VerifyError::Json);
    }
    let Ok(Object(LooseBodyInput { checks })) = serde_json::from_slice(body) else {
        return Err(VerifyError::Check(check_error(body)));
    };
    if checks.is_cut {
        return Err(VerifyError::TooMany);
    }
    let read = |text: &str| match serde_json::from_str::<Object<CheckInput<'_>>>(text) {
        Ok(Object(check)) => check.read(),
        Err(_) => Err(check_error(text.as_bytes())),
    };
    Ok(Question::Many(Batch::of(checks.items.into_iter().map(|check| read(check.get())))))
}

/// At most this many bytes are parsed again to find out what is wrong with them.
const LEGIBLE: usize = 16 * 1024;

/// Why a check, or a body, is not valid.
fn check_error(text: &[u8]) -> CheckError {
    const MEMBERS: &[&str] = &["token", "permission", "resource", "address", "explain"];
    const OF_RESOURCES: &[&str] = &["id", "tags"];
    let strange = |value: &Value, known: &[&str]| {
        let name = value.as_object()?.keys().find(|name| !known.contains(&name.as_str()))?;
        Some(CheckError::Unknown(unknown(name, known).into()))
    };
    // Parsed as a value, a text takes many times its own memory.
    if text.len() > LEGIBLE {
        return CheckError::Form;
    }
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return CheckError::Form };
    let is_batch = value.get("checks").is_some();
    let in_resource = || strange(value.get("resource")?, OF_RESOURCES);
    if is_batch {
        CheckError::Form
    } else {
        strange(&value, MEMBERS).or_else(in_resource).unwrap_or(CheckError::Form)
    }
}

impl Batch {
    fn of(checks: impl ExactSizeIterator<Item = Result<Check, CheckError>>) -> Self {
        let mut batch = Batch { checks: Vec::with_capacity(checks.len()), errors: Vec::new() };
        for (place, check) in checks.enumerate() {
            match check {
                Ok(check) => batch.checks.push(check),
                Err(error) => batch.errors.push((place, error)),
            }
        }
        batch
    }
}

impl CheckInput<'_> {
    fn read(self) -> Result<Check, CheckError> {
        let resource = match self.resource {
            None => None,
            Some(Object(resource)) if resource.tags.as_ref().is_some_and(|tags| tags.is_cut) => {
                drop(resource);
                return Err(CheckError::Tags);
            }
            Some(Object(resource)) => {
                let tags = resource.tags.map_or(Vec::new(), |tags| tags.items);
                let tags = tags.into_iter().map(|tag| tag.0.into_owned()).collect();
                Some(Resource { id: resource.id.map(|id| id.0.into_owned()), tags })
            }
        };
        let permission = self.permission.map(|permission| Permission::held(&permission.0)).transpose();
        let permission = permission.map_err(CheckError::Permission)?;
        let demand = Demand::new(permission, resource).map_err(|PermissionMissing| CheckError::Resource)?;
        let address = self.address.map(|address| address.0.parse::<IpAddr>()).transpose();
        let address = address.map_err(|_| CheckError::Address)?;
        // A text that cannot be a token is an unknown token: a backend passes on whatever its client
        // presented.
        let secret = Secret::parse(&self.token.0).ok();
        Ok(Check { secret, demand, address, explains: self.explain.unwrap_or(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn read(body: &str) -> Result<Question, String> {
        questions(body.as_bytes()).map_err(|error| format!("{error:?}"))
    }

    fn one(body: &str) -> Check {
        match read(body).unwrap() {
            Question::One(check) => check,
            Question::Many(_) => panic!("a batch: {body}"),
        }
    }

    fn many(body: &str) -> Batch {
        match read(body).unwrap() {
            Question::Many(batch) => batch,
            Question::One(_) => panic!("no batch: {body}"),
        }
    }

    #[test]
    fn a_single_check() {
        let check = one(r#"{"token": "abc"}"#);
        assert_eq!(check.secret.unwrap().expose(), "abc");
        assert_eq!((check.demand, check.explains), (Demand::Active, false));
        let check =
            one("\u{feff}{\"explain\":true,\"resource\":{\"tags\":[\"a\\u0062\",\"c\"],\"id\":\"s\\n1\"},\
             \"permission\":\"re\\u0061d\",\"token\":\"\\u0041bc\"}");
        assert_eq!(check.secret.unwrap().expose(), "Abc");
        let resource = Resource { id: Some("s\n1".to_owned()), tags: vec!["ab".to_owned(), "c".to_owned()] };
        let permission = "read".parse().unwrap();
        assert_eq!(check.demand, Demand::Permission { permission, resource: Some(resource) });
        assert!(check.explains && check.address.is_none());
        for (text, read) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ] {
            let check = one(&format!(r#"{{"token":"x","address":"{text}"}}"#));
            assert_eq!(check.address.unwrap().to_string(), read);
        }
        let empty = one(r#"{"token":"x","permission":"read","resource":{}}"#);
        assert!(
            matches!(empty.demand, Demand::Permission { resource: Some(resource), .. } if resource == Resource::default())
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_a_check_all_the_same() {
        assert!(one(r#"{"token": ""}"#).secret.is_none());
        assert!(one(&format!(r#"{{"token": "{}"}}"#, "x".repeat(1025))).secret.is_none());
    }

    #[test]
    fn bodies_that_are_no_question() {
        let form = "Check(Form)";
        for (body, expected) in [
            ("", "Json"),
            ("{", "Json"),
            (r#"{"token":"x"} x"#, "Json"),
            (r#"{"token":5,"#, "Json"),
            (r#"{"checks":[{"token":5},{"token":}]}"#, "Json"),
            ("[]", form),
            ("null", form),
            ("{}", form),
            (r#"["x"]"#, form),
            (r#"{"token":null}"#, form),
            (r#"{"token":5}"#, form),
            (r#"{"token":"x","permission":null}"#, form),
            (r#"{"token":"x","permission":"a","resource":null}"#, form),
            (r#"{"token":"x","permission":"a","resource":{"id":null}}"#, form),
            (r#"{"token":"x","permission":"a","resource":{"tags":null}}"#, form),
            (r#"{"token":"x","explain":null}"#, form),
            (r#"{"token":"x","address":null}"#, form),
            (r#"{"token":"x","address":5}"#, form),
            (r#"{"token":"x","address":""}"#, "Check(Address)"),
            (r#"{"token":"x","address":"192.0.2.1:80"}"#, "Check(Address)"),
            (r#"{"token":"x","address":"192.0.2.0/24"}"#, "Check(Address)"),
            (r#"{"checks":[],"address":"192.0.2.1"}"#, "Both"),
            (r#"{"token":"x","checks":null}"#, form),
            (r#"{"checks":[],"token":null}"#, form),
            (r#"{"token":"x","token":"y"}"#, form),
            (
                r#"{"token":"x","permisson":"y"}"#,
                r#"Check(Unknown("there is no member permisson: did you mean permission?"))"#,
            ),
            (
                r#"{"token":"x","permission":"y","resource":{"tag":["a"]}}"#,
                r#"Check(Unknown("there is no member tag: did you mean tags?"))"#,
            ),
            (r#"{"token":"x","explain":"yes"}"#, form),
            (r#"{"token":"x","permission":"a","resource":["s1",[]]}"#, form),
            (r#"{"token":"x","permission":"a","resource":{"tags":"a"}}"#, form),
            (r#"{"token":"x","resource":{}}"#, "Check(Resource)"),
            (r#"{"token":"x","permission":"a,b"}"#, "Check(Permission(Character))"),
            (r#"{"token":"x","permission":""}"#, "Check(Permission(Blank))"),
            (r#"{"checks":[],"token":"x"}"#, "Both"),
            (r#"{"checks":[],"explain":true}"#, "Both"),
            (r#"{"checks":{}}"#, form),
            (r#"{"checks":[5],"token":"x"}"#, form),
        ] {
            assert_eq!(read(body).err().as_deref(), Some(expected), "{body}");
        }
        let tags = vec![r#""a""#; MAX_TAGS + 1].join(",");
        let body = format!(r#"{{"token":"x","permission":"a","resource":{{"tags":[{tags}]}}}}"#);
        assert_eq!(read(&body).err().as_deref(), Some("Check(Tags)"));
    }

    #[test]
    fn a_check_that_cannot_be_asked_does_not_spoil_the_batch() {
        let good = r#"{"token":"x","permission":"read"}"#;
        for (bad, error) in [
            ("5", CheckError::Form),
            (r#"["x"]"#, CheckError::Form),
            (r#"{"token":"x","token":"y"}"#, CheckError::Form),
            (r#"{"token":"x","permission":null}"#, CheckError::Form),
            (r#"{"token":"x","resource":{}}"#, CheckError::Resource),
        ] {
            let batch = many(&format!(r#"{{"checks":[{good},{bad},{good}]}}"#));
            assert_eq!((batch.checks.len(), batch.errors), (2, vec![(1, error)]), "{bad}");
        }
        assert!(many(r#"{"checks":[]}"#).checks.is_empty());
    }

    #[test]
    fn a_batch_has_at_most_a_thousand_checks() {
        let batch = |count: usize, check: &str| {
            let mut body = r#"{"checks":["#.to_owned();
            for place in 0..count {
                write!(body, "{}{check}", if place == 0 { "" } else { "," }).unwrap();
            }
            body + "]}"
        };
        for check in [r#"{"token":"x"}"#, "5"] {
            let most = many(&batch(1000, check));
            assert_eq!(most.checks.len() + most.errors.len(), 1000);
            assert_eq!(read(&batch(1001, check)).err().as_deref(), Some("TooMany"));
        }
    }
}
